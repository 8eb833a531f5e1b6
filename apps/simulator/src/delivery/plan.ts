import type { Piece } from '../formats/format.js';
import type { Fault } from '../script/fault.js';

/** What is done to the wire, in order. Times count from the call's arrival; a stall moves all that follows. */
export type Step =
  | { do: 'send'; atMs: number; data: string | Buffer; chunks: number }
  | { do: 'stall'; ms: number | null }
  | { do: 'cut'; how: 'fin' | 'rst' };

export interface Delivery {
  status: number;
  /** Name, value, name, value; without those that frame the body. */
  headers: string[];
  headersAtMs: number;
  /** Content-length; null: chunked. */
  length: number | null;
  steps: Step[];
}

export interface Timing {
  firstTokenMs: number;
  /** Between two pieces of content. */
  stepMs: number;
}

export interface StreamParts {
  unknownEvent: Piece;
  /** What errorAfter sends. */
  error: Piece;
  dice: () => number;
}

const MALFORMED = '{"choices":[{"index":0,"delta":{"content":"fo';

/** A stream's events as steps, with everything that the fault does to events. Pure but for the dice. */
export function planStream(pieces: readonly Piece[], fault: Fault, timing: Timing, parts: StreamParts): Step[] {
  const plan = new StreamPlan(fault, parts);
  let contents = 0;
  let atMs = 0;
  for (const piece of pieces) {
    if (piece.role !== 'open' && plan.strikes(contents, atMs)) return plan.steps;
    if (piece.role === 'content') {
      atMs = Math.max(atMs, timing.firstTokenMs + piece.step * timing.stepMs);
      contents += 1;
    }
    if (piece.role === 'end' && fault.noDone === true) continue;
    plan.event(piece, atMs);
  }
  plan.strikes(contents, atMs);
  return plan.steps;
}

class StreamPlan {
  readonly steps: Step[] = [];
  private struck = -1;
  private padBytes: number;
  private hasBegun = false;
  /** Nothing is done to the form of the events. */
  private readonly isPlain: boolean;

  constructor(
    private readonly fault: Fault,
    private readonly parts: StreamParts,
  ) {
    const { comments, unknownEvents, fuzz, crlf } = fault;
    this.isPlain = comments !== true && unknownEvents !== true && fuzz !== true && crlf !== true;
    this.padBytes = fault.lineBytes ?? 0;
  }

  /** What happens after so many chunks, once. True: nothing comes after it. */
  strikes(contents: number, atMs: number): boolean {
    if (contents === this.struck) return false;
    this.struck = contents;
    const { stallAfter, stallMs, malformedAfter, errorAfter, cutAfter, cutHow } = this.fault;
    if (contents === stallAfter) this.steps.push({ do: 'stall', ms: stallMs ?? null });
    if (contents === malformedAfter) this.event({ role: 'frame', step: 0, data: MALFORMED }, atMs);
    if (contents === errorAfter) {
      this.event(this.parts.error, atMs);
      return true;
    }
    if (contents === cutAfter) this.steps.push({ do: 'cut', how: cutHow ?? 'fin' });
    return contents === cutAfter;
  }

  event(piece: Piece, atMs: number): void {
    const { comments, unknownEvents, fuzz } = this.fault;
    const { dice, unknownEvent } = this.parts;
    const isFuzzy = fuzz === true;
    if (this.isPlain && this.padBytes === 0) {
      const named = piece.event === undefined ? '' : `event: ${piece.event}\n`;
      return this.send(`${named}data: ${piece.data}\n\n`, piece.role === 'content' ? 1 : 0, atMs);
    }
    let text = '';
    if (isFuzzy && !this.hasBegun) text += '\ufeff';
    this.hasBegun = true;
    if (comments === true || (isFuzzy && dice() < 0.3)) text += this.lines([': sim']);
    if (unknownEvents === true || (isFuzzy && dice() < 0.2)) text += this.encoded(unknownEvent);
    text += this.encoded(piece);
    this.send(text, piece.role === 'content' ? 1 : 0, atMs);
  }

  private encoded({ role, event, data }: Piece): string {
    const isFuzzy = this.fault.fuzz === true;
    const lines = event === undefined ? [] : [`event: ${event}`];
    const sent = role === 'content' ? this.padded(data) : data;
    const space = isFuzzy && this.parts.dice() < 0.5 ? '' : ' ';
    // Several data lines are joined by a line feed, which JSON allows between members.
    const comma = isFuzzy && this.parts.dice() < 0.3 ? sent.indexOf('","') : -1;
    if (comma === -1) lines.push(`data:${space}${sent}`);
    else lines.push(`data:${space}${sent.slice(0, comma + 2)}`, `data:${space}${sent.slice(comma + 2)}`);
    return this.lines(lines);
  }

  /** The first content's line gets as long as asked for. */
  private padded(data: string): string {
    const pad = this.padBytes - data.length;
    this.padBytes = 0;
    return pad <= 0 ? data : withPad(data, pad);
  }

  /** One kind of line break for an event and the blank line after it: CR before LF would be read as one break. */
  private lines(lines: string[]): string {
    const { crlf, fuzz } = this.fault;
    let end = crlf === true ? '\r\n' : '\n';
    if (fuzz === true) end = ['\n', '\r\n', '\r'][Math.floor(this.parts.dice() * 3)]!;
    return lines.join(end) + end + end;
  }

  /** What is due at the same moment goes out together. */
  private send(text: string, chunks: number, atMs: number): void {
    const last = this.steps.at(-1);
    if (last?.do === 'send' && last.atMs === atMs) {
      last.data += text;
      last.chunks += chunks;
    } else {
      this.steps.push({ do: 'send', atMs, data: text, chunks });
    }
  }
}

/** `data` is a JSON object; `,"pad":""` takes nine bytes itself. */
const withPad = (data: string, bytes: number): string =>
  `${data.slice(0, -1)},"pad":"${'x'.repeat(Math.max(0, bytes - 9))}"}`;

/** The body of an answer that does not stream, before it is compressed, with what the fault does to its text. */
export function unaryText(text: string, fault: Fault, charactersPerChunk: number): string {
  let sent = text;
  if (fault.lineBytes !== undefined && sent.endsWith('}') && fault.lineBytes > sent.length) {
    sent = withPad(sent, fault.lineBytes - sent.length);
  }
  if (fault.malformedAfter === undefined) return sent;
  return sent.slice(0, Math.min(sent.length, fault.malformedAfter * charactersPerChunk)) + MALFORMED;
}

/** A body in one piece. Of such a body a chunk is so many bytes, and a cut always leaves some of it out. */
export function planBody(body: Buffer, fault: Fault, atMs: number, bytesPerChunk: number): Step[] {
  const { stallAfter, stallMs, cutAfter, cutHow } = fault;
  const steps: Step[] = [];
  let sent = 0;
  const sendTo = (end: number): void => {
    if (end > sent)
      steps.push({ do: 'send', atMs, data: body.subarray(sent, end), chunks: end === body.length ? 1 : 0 });
    sent = Math.max(sent, end);
  };
  const place = (chunks: number): number => Math.max(0, Math.min(body.length - 1, chunks * bytesPerChunk));
  const cutAt = cutAfter === undefined ? Infinity : place(cutAfter);
  if (stallAfter !== undefined && place(stallAfter) <= cutAt) {
    sendTo(place(stallAfter));
    steps.push({ do: 'stall', ms: stallMs ?? null });
  }
  sendTo(Math.min(cutAt, body.length));
  if (cutAfter !== undefined) steps.push({ do: 'cut', how: cutHow ?? 'fin' });
  return steps;
}
