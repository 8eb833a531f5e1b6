import type { JobRecords } from '@sluice/queue';
import type { Inbox, LookAtRecord } from '@sluice/stream';
import type { OpenCalls } from '../open-calls.js';

export interface WaitDeps {
  records: Pick<JobRecords, 'join'>;
  inbox: Pick<Inbox, 'channel' | 'follow'>;
  openCalls: OpenCalls;
  lookAt: (group: string) => LookAtRecord;
}

/**
 * Until the job is over, the time is, the caller has gone or this server shuts down. Tells nothing: who waited looks.
 * @param gone aborted when the caller leaves
 */
export async function waitForEnd(
  { group, jobId }: { group: string; jobId: string },
  waitMs: number,
  gone: AbortSignal,
  { records, inbox, openCalls, lookAt }: WaitDeps,
): Promise<void> {
  const follower = inbox.follow(jobId, lookAt(group));
  let end = (): void => undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  const timer = setTimeout(end, waitMs);
  const call = { isStream: false, shutDown: end };
  openCalls.add(call);
  gone.addEventListener('abort', end, { once: true });
  const subscription = follower.frames.subscribe({ complete: end });
  try {
    if ((await records.join(group, jobId, inbox.channel)) !== 'joined') return;
    follower.lookNow(); // it may have ended before it was joined
    if (!gone.aborted) await ended;
  } finally {
    clearTimeout(timer);
    gone.removeEventListener('abort', end);
    subscription.unsubscribe();
    openCalls.delete(call);
  }
}
