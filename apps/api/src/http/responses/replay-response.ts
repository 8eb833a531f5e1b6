import { presentationOf, rebuiltEvents, skipEvents, type EventFold } from '@sluice/wire';
import type { FastifyReply } from 'fastify';
import { apiError } from '../api-error.js';
import { dialectOf } from '../dialect.js';
import type { ReplyDeps } from '../reply-deps.js';
import { replyWithSse, sseHead } from '../sse-reply.js';
import { followJob } from './follow-job.js';
import type { ResponsesDeps } from './responses-deps.js';
import { RESPONSES, UNKNOWN, type StoredResponse } from './stored-responses.js';

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
  deps: ResponsesDeps & ReplyDeps,
): Promise<void> {
  const { job, asked, identity, snapshot, outcome } = stored;
  if (!job.stream) {
    throw apiError('invalid_request', 'This response was not created with stream: true; it has no events.', 'stream');
  }
  const newFold = (): EventFold => {
    const fold = presentationOf(RESPONSES)!.events(asked, identity);
    return startingAfter === undefined ? fold : skipEvents(fold, startingAfter);
  };
  if (outcome !== undefined && snapshot.seq > 0 && !(await deps.hasStream(job))) {
    if (startingAfter !== undefined) throw apiError('stream_expired', EXPIRED, 'starting_after');
    const answer = outcome.state === 'completed' ? await deps.stored.answer(stored) : undefined;
    const fold = newFold();
    const events = answer === undefined ? fold.fail(outcome.error ?? UNKNOWN) : rebuiltEvents(fold, answer);
    reply.hijack();
    reply.raw.writeHead(200, sseHead(reply, job, outcome.served));
    reply.raw.end(events);
    return;
  }
  const follower = await followJob(job, deps);
  const following = { kind: 'following', job, follower, cancel: () => Promise.resolve(), isReplayed: false } as const;
  const dialect = { ...dialectOf(RESPONSES, asked, job), events: newFold, canComeBack: true };
  replyWithSse(following, reply, deps, dialect);
}

const EXPIRED =
  'The events of this response are not kept any more. Ask without starting_after: they are made anew from the answer.';
