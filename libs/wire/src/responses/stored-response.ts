import type { AnswerIdentity, AskedBody, EventFold } from '../endpoints/presentation.js';
import type { ApiError } from '../error-body.js';
import { sseData } from '../sse.js';
import { endedWithout, RESPONSES_PRESENTATION } from './responses-presentation.js';
import { responseObject, type ResponseStatus } from './response-object.js';

/** How a job that became a response stands. `answer`: the whole chat completion. */
export type ResponseProgress =
  { kind: 'waiting' | 'running' } | { kind: 'answered'; answer: Buffer } | { kind: 'ended'; error: ApiError };

const STATUS: Readonly<Record<'waiting' | 'running', ResponseStatus>> = { waiting: 'queued', running: 'in_progress' };

/** The `response` object as `GET /v1/responses/ID` shows it. */
export function storedResponse(asked: AskedBody, identity: AnswerIdentity, progress: ResponseProgress): Buffer {
  switch (progress.kind) {
    case 'waiting':
    case 'running':
      return json(responseObject(asked, identity, { status: STATUS[progress.kind], output: [] }));
    case 'answered':
      return RESPONSES_PRESENTATION.answer(progress.answer, asked, identity);
    case 'ended':
      return json(responseObject(asked, identity, { output: [], ...endedWithout(progress.error) }));
  }
}

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

/** The events of an answer whose stream is gone: fewer than there were, and the same response at the end. */
export const rebuiltEvents = (fold: EventFold, answer: Buffer): string => fold.end(sseData(answer.toString()));
