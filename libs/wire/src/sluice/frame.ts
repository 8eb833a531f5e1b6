/**
 * One message from the worker that runs a job to the api replicas that follow it. The same bytes are published to their
 * inboxes and kept in the job's stream, so that whatever is seen can be replayed.
 *
 *     job id (36 bytes) · kind (1) · epoch · ',' · first seq · ',' · count [· ',' · attempt · ',' · at] · '\n' · payload
 *
 * `seq` counts events (an SSE event of the answer is one) from 1, without gaps, over all epochs of the job. A frame holds
 * `count` events, since events that come while a write is on its way are sent together. The terminal frame has the seq
 * after the last event: a follower that has not seen that many has missed something and replays.
 */
export interface Frame {
  jobId: string;
  kind: FrameKind;
  /** Run of the job that sent it; a stale run's frames never get here. */
  epoch: number;
  firstSeq: number;
  count: number;
  /** Whose content it is, 1 for the first; absent: it holds none. */
  attempt?: number;
  /** When it was sent, Unix ms by the worker that sent it. */
  atMs?: number;
  payload: Buffer;
}

/**
 * `head`: Served as JSON, '\n', then SSE bytes. `events`: SSE bytes. `terminal`: Outcome as JSON, '\n', then bytes.
 * `life`: of durable jobs alone, what became of them beside their answer: LifeEvents, a line each. Who reads an answer passes
 * over it.
 */
export type FrameKind = 'head' | 'events' | 'terminal' | 'life';

const LETTER_OF: Record<FrameKind, string> = { head: 'h', events: 'e', terminal: 't', life: 'l' };
const KIND_OF = new Map<number, FrameKind>([
  [0x68, 'head'],
  [0x65, 'events'],
  [0x74, 'terminal'],
  [0x6c, 'life'],
]);
const ID_BYTES = 36; // `job_` and 32 hex digits
const NEWLINE = 0x0a;

/** The part before the payload; `finish.lua` writes the same for terminal frames. */
export const frameHead = (
  jobId: string,
  kind: FrameKind,
  epoch: number,
  firstSeq: number,
  count: number,
  of?: { attempt: number; atMs: number },
): string =>
  `${jobId}${LETTER_OF[kind]}${epoch},${firstSeq},${count}${of === undefined ? '' : `,${of.attempt},${of.atMs}`}\n`;

/** Undefined when the bytes are no frame: a stranger can publish to a channel. */
export function readFrame(bytes: Buffer): Frame | undefined {
  const kind = KIND_OF.get(bytes[ID_BYTES] ?? 0);
  const lineEnd = bytes.indexOf(NEWLINE, ID_BYTES);
  if (kind === undefined || lineEnd === -1) return undefined;
  const [epoch, firstSeq, count, attempt, atMs] = bytes
    .toString('latin1', ID_BYTES + 1, lineEnd)
    .split(',')
    .map(Number);
  if (!Number.isInteger(epoch) || !Number.isInteger(firstSeq) || !Number.isInteger(count)) return undefined;
  return {
    jobId: bytes.toString('latin1', 0, ID_BYTES),
    kind,
    epoch: epoch!,
    firstSeq: firstSeq!,
    count: count!,
    ...(attempt === undefined || atMs === undefined ? {} : { attempt, atMs }),
    payload: bytes.subarray(lineEnd + 1),
  };
}

/** Splits a payload into its JSON line and the bytes behind it. JSON.stringify writes no line breaks. */
export function readPayload<Line>(payload: Buffer): { line: Line; rest: Buffer } {
  const lineEnd = payload.indexOf(NEWLINE);
  return { line: JSON.parse(payload.toString('utf8', 0, lineEnd)) as Line, rest: payload.subarray(lineEnd + 1) };
}
