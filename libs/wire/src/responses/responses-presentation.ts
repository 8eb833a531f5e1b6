import type { AnswerIdentity, AskedBody, EventFold, Presentation } from '../endpoints/presentation.js';
import { errorBody, type ApiError } from '../error-body.js';
import { recordOf } from '../record-of.js';
import { sseData } from '../sse.js';
import { ChatAnswerFold } from './chat-answer-fold.js';
import { responsesToChat } from './request-to-chat.js';
import { responseObject, type ResponseState } from './response-object.js';

/** OpenAI's Responses, served by whatever serves chat. Source: WIRE.md 12, WIRE-SAMPLES.md 12. */
export const RESPONSES_PRESENTATION: Presentation = {
  toChat: responsesToChat,
  answer: (chat, asked, identity) => Buffer.from(JSON.stringify(responseOfAnswer(chat, asked, identity))),
  events: responseEvents,
  error: errorBody,
};

function responseOfAnswer(chat: Buffer, asked: AskedBody, identity: AnswerIdentity): Record<string, unknown> {
  const fold = new ChatAnswerFold(identity, () => undefined);
  fold.add(recordOf(JSON.parse(chat.toString())) ?? {});
  return responseObject(asked, identity, fold.complete());
}

/**
 * Said of a connection and never of a response, which goes on: so it is no event of the response, and has no number. OpenAI's
 * clients raise it; a stream that just ended they would take for a whole one.
 */
const cutShort = (error: ApiError, jobId: string): string => sseData(errorBody(error, jobId));

/** A response that ended without an answer. `job_cancelled` is no failure: nobody made a mistake. */
export const endedWithout = (error: ApiError): Pick<ResponseState, 'status' | 'error'> =>
  error.code === 'job_cancelled' ? { status: 'cancelled' } : { status: 'failed', error };

/**
 * `sequence_number` counts from 0 without gaps: who comes back says which one was last. All of it follows from the request
 * and the chunks, so a replay has the same events under the same numbers.
 */
function responseEvents(asked: AskedBody, identity: AnswerIdentity): EventFold {
  let out = '';
  let sequence = 0;
  let held = '';
  let isOpen = false;
  const say = (type: string, members: Record<string, unknown>): void => {
    out += `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: sequence++, ...members })}\n\n`;
  };
  const tell = (type: string, state: ResponseState): void =>
    say(type, { response: responseObject(asked, identity, state) });
  const answer = new ChatAnswerFold(identity, say);

  const taken = (): string => {
    const events = out;
    out = '';
    return events;
  };
  const openOnce = (): void => {
    if (isOpen) return;
    isOpen = true;
    const isBackground = asked['background'] === true;
    tell('response.created', { status: isBackground ? 'queued' : 'in_progress', output: [] });
    if (isBackground) tell('response.queued', { status: 'queued', output: [] });
    tell('response.in_progress', { status: 'in_progress', output: [] });
  };
  const read = (events: string, isLast: boolean): void => {
    openOnce();
    const text = held + events;
    const end = isLast ? text.length : text.lastIndexOf('\n\n') + 2;
    held = end < 2 ? text : text.slice(end);
    if (end < 2) return;
    for (const event of text.slice(0, end).split('\n\n')) {
      if (event.startsWith('data: {')) answer.add(recordOf(JSON.parse(event.slice(6))) ?? {});
    }
  };

  return {
    open: () => {
      openOnce();
      return taken();
    },
    push: (events) => {
      read(events, false);
      return taken();
    },
    end: (rest) => {
      read(rest, true);
      const state = answer.complete();
      tell(`response.${state.status}`, state);
      return taken();
    },
    fail: (error) => {
      if (error.code === 'shutting_down') return taken() + cutShort(error, identity.jobId);
      openOnce();
      tell('response.failed', { ...answer.breakOff(), ...endedWithout(error) });
      return taken();
    },
  };
}
