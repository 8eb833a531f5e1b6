import type { EventFold } from '../endpoints/presentation.js';
import { readPayload, type Frame } from '../sluice/frame.js';
import type { EventList, JobEnd } from '../sluice/job-events.js';
import type { ApiError } from '../error-body.js';

/**
 * A response's own events, from its job's frames: they are numbered in the making, so that the list is always made from its
 * beginning, whatever of it its reader has.
 */
export class ResponseEventList implements EventList {
  readonly fromFrame = 1;

  /** @param fold leaves out what the reader has */
  constructor(private readonly fold: EventFold) {}

  open(): string {
    return this.fold.open();
  }

  frame({ kind, payload }: Frame): string {
    switch (kind) {
      case 'head':
        return this.fold.push(readPayload(payload).rest.toString());
      case 'events':
        return this.fold.push(payload.toString());
      case 'life': // of the job, and not of the answer
      case 'terminal':
        return '';
    }
  }

  end({ outcome, tail }: JobEnd, _lastFrameSeq: number | undefined, isGone: boolean): string {
    if (outcome.state !== 'completed') return this.fold.fail(outcome.error ?? NO_REASON);
    return isGone || tail === undefined ? this.fold.fail(EVENTS_LOST) : this.fold.end(tail);
  }

  cut(): string {
    return this.fold.fail(CUT);
  }
}

/** A record without one was written by another version. */
export const NO_REASON: ApiError = { code: 'internal_error', message: 'The response ended without a reason.' };

const CUT: ApiError = {
  code: 'shutting_down',
  message: 'This server is shutting down. The response goes on: come back with starting_after.',
};

const EVENTS_LOST: ApiError = {
  code: 'upstream_interrupted',
  message: 'Some of the events were lost on their way. The response itself is there.',
};
