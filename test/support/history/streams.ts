import type { EventsRead, Entry } from './entry.js';
import { entriesThat } from './entries-that.js';

/**
 * I4: a cut, stalled or unfinished stream never looks like success: a connection that is closed in order has said how it ended.
 * I1, for those who read a job's events: no gap, no repeat, and each event the same for all.
 */
export function* streamsThatBreak(log: readonly Entry[]): Generator<string> {
  const of = entriesThat(log);
  for (const { job, hasFinish, isDone, hasError, after } of of('stream_read')) {
    if (!isDone && !hasError) yield `I4 the stream of ${job} was closed as if it were over, without a last word`;
    if (isDone && !hasFinish) yield `I4 the stream of ${job} has [DONE] and no finish_reason`;
    if (after > 0) yield `I4 the stream of ${job} goes on after its last word`;
  }
  for (const [job, readers] of Map.groupBy(of('events_read'), (entry) => entry.job))
    yield* eventsThatBreak(job, readers);
}

function* eventsThatBreak(job: string, readers: readonly EventsRead[]): Generator<string> {
  const first = new Map<number, string>();
  for (const { fromSeq, seen, isEnded } of readers) {
    let before = fromSeq ?? (seen[0]?.seq ?? 1) - 1;
    for (const { seq, digest } of seen) {
      // Where the event stream is gone, its terminal event is all there is. One that has none was cut, however it was closed.
      const isLast = isEnded && seq === seen.at(-1)!.seq;
      if (seq !== before + 1 && !(isLast && seq > before))
        yield `I1 a reader of ${job} got event ${seq} after ${before}`;
      before = seq;
      if ((first.get(seq) ?? digest) !== digest) yield `I1 event ${seq} of ${job} is not the same for all`;
      first.set(seq, digest);
    }
  }
}
