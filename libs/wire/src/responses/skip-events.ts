import type { EventFold } from '../endpoints/presentation.js';

/** Leaves out what a reader has: events up to the sequence number `after`. */
export function skipEvents(fold: EventFold, after: number): EventFold {
  const rest = (events: string): string => {
    if (events === '' || sequenceOf(events) > after) return events; // numbers grow
    return events
      .split(/(?<=\n\n)/)
      .filter((event) => sequenceOf(event) > after)
      .join('');
  };
  return {
    open: () => rest(fold.open()),
    push: (chunks) => rest(fold.push(chunks)),
    end: (chunks) => rest(fold.end(chunks)),
    fail: (error) => rest(fold.fail(error)),
  };
}

/** Of the first event; it stands before all texts in it. What has none is news to everybody. */
const sequenceOf = (event: string): number =>
  Number(/^event: .*\ndata: {"type":"[^"]*","sequence_number":(\d+)/.exec(event)?.[1] ?? Infinity);
