import { presentationOf, rebuiltEvents, ResponseEventList, skipEvents, type EventFold } from '@sluice/wire';
import type { FastifyReply } from 'fastify';
import { answerHeaders } from '../answer-headers.js';
import { apiError } from '../api-error.js';
import { EVENT_STREAM_HEADERS } from '../event-stream.js';
import { replyWithEvents } from '../jobs/events-reply.js';
import type { ResponsesDeps } from './responses-deps.js';
import { RESPONSES, type StoredResponse } from './stored-responses.js';

/**
 * Sends the events of a response that was created streaming: those that were, then those that come, on any replica. A reader
 * who leaves can come back, so nothing is cancelled. Its stream gone, they are made anew from the answer.
 * @param startingAfter number of the last event that the reader has; undefined: none
 * @throws 400 invalid_request, stream_expired
 */
export async function replayResponse(
  stored: StoredResponse,
  startingAfter: number | undefined,
  reply: FastifyReply,
  deps: ResponsesDeps,
): Promise<void> {
  const { job, asked, identity, snapshot, outcome } = stored;
  if (!job.stream) {
    throw apiError('invalid_request', 'This response was not created with stream: true; it has no events.', 'stream');
  }
  const fold = presentationOf(RESPONSES)!.events(asked, identity);
  const missing = startingAfter === undefined ? fold : skipEvents(fold, startingAfter);
  const isCompleted = outcome?.state === 'completed';
  if (isCompleted && snapshot.seq > 0 && !(await deps.hasStream(job))) {
    if (startingAfter !== undefined) throw apiError('stream_expired', EXPIRED, 'starting_after');
    return sendRebuilt(stored, fold, reply, deps);
  }
  const record = {
    jobId: job.jobId,
    group: job.group,
    createdAtMs: identity.createdAtMs,
    isStream: true,
    isOver: outcome !== undefined,
    lastFrameSeq: snapshot.seq,
    isDurable: snapshot.durable !== undefined,
  };
  void reply.headers(answerHeaders(job, outcome?.served));
  return replyWithEvents(record, new ResponseEventList(missing), reply, deps.events);
}

async function sendRebuilt(
  stored: StoredResponse,
  fold: EventFold,
  reply: FastifyReply,
  deps: ResponsesDeps,
): Promise<void> {
  const events = rebuiltEvents(fold, await deps.stored.answer(stored));
  void reply
    .code(200)
    .headers(answerHeaders(stored.job, stored.outcome?.served))
    .headers(EVENT_STREAM_HEADERS)
    .send(events);
}

const EXPIRED =
  'The events of this response are not kept any more. Ask without starting_after: they are made anew from the answer.';
