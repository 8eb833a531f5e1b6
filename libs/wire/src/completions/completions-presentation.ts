import type { AnswerIdentity, EventFold, Presentation } from '../endpoints/presentation.js';
import { modelProblem } from '../endpoints/model-problem.js';
import { errorBody } from '../error-body.js';
import { eachData, sseData, SSE_DONE } from '../sse.js';
import { completionProblem, completionToChat } from './completion-to-chat.js';

type Json = Readonly<Record<string, unknown>>;

/** POST /v1/completions: OpenAI and Azure are asked with it as it stands, models that only chat with one user's message. */
export const COMPLETIONS_PRESENTATION: Presentation = {
  toChat(asked) {
    const error = modelProblem(asked) ?? completionProblem(asked);
    return error === undefined
      ? { kind: 'chat', body: completionToChat(asked).body, runsAsAsked: true }
      : { kind: 'refused', error };
  },
  answer(chat, _asked, identity) {
    const body = JSON.parse(chat.toString()) as Json;
    return body['object'] === 'text_completion' ? chat : Buffer.from(JSON.stringify(completionOf(body, identity)));
  },
  events: (_asked, identity) => new CompletionEvents(identity),
  error: errorBody,
};

interface Choice {
  index?: number;
  message?: { content?: unknown };
  delta?: { content?: unknown };
  finish_reason?: unknown;
}

/** `cmpl-X` is the answer of `job_X`, always. */
const completionId = ({ jobId }: AnswerIdentity): string => `cmpl-${jobId.slice(4)}`;

function completionOf({ created, model, choices, usage }: Json, identity: AnswerIdentity): Json {
  return {
    id: completionId(identity),
    object: 'text_completion',
    created,
    model,
    choices: (Array.isArray(choices) ? (choices as Choice[]) : []).map(choiceOf),
    ...(usage === undefined ? {} : { usage }),
  };
}

const choiceOf = ({ index = 0, message, delta, finish_reason: finish = null }: Choice): Json => ({
  text: (message ?? delta)?.content ?? '',
  index,
  logprobs: null,
  finish_reason: finish === 'tool_calls' ? 'stop' : finish,
});

/** Chunks of a completion pass; those of a chat become such, save what opens its choices. */
class CompletionEvents implements EventFold {
  constructor(private readonly identity: AnswerIdentity) {}

  open(): string {
    return '';
  }

  push(chatEvents: string): string {
    let out = '';
    eachData(chatEvents, (data) => {
      if (data === '[DONE]') out += SSE_DONE;
      else {
        const chunk = JSON.parse(data) as Json;
        if (chunk['object'] === 'text_completion') out += sseData(data);
        else if (!opensOnly(chunk)) out += sseData(JSON.stringify(completionOf(chunk, this.identity)));
      }
    });
    return out;
  }

  end(rest: string): string {
    return this.push(rest);
  }

  fail(error: Parameters<EventFold['fail']>[0]): string {
    return sseData(errorBody(error, this.identity.jobId));
  }
}

/** The role, written before the first content: a completion has none. */
const opensOnly = ({ choices }: Json): boolean =>
  Array.isArray(choices) &&
  choices.length > 0 &&
  (choices as Choice[]).every(
    ({ delta, finish_reason: finish = null }) => (delta?.content ?? '') === '' && finish === null,
  );
