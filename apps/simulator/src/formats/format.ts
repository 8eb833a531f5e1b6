import type { IncomingHttpHeaders } from 'node:http';
import type { Answer, ChatCall } from '../answer/chat-call.js';
import type { ReplyKind } from '../script/fault.js';

/** One vendor's wire format, as the simulator speaks it. Pure: bytes, clocks and chance are the caller's. */
export interface Format {
  readonly name: 'openai' | 'azure' | 'anthropic';
  /** What is asked, or what is wrong with the question. `body` is the parsed JSON. */
  read: (body: Record<string, unknown>, headers: IncomingHttpHeaders, model: string) => ChatCall | Refusal;
  unary: (call: ChatCall, answer: Answer, dress: Dress) => string;
  /** The events of a stream, in order. `charactersPerChunk` of text or arguments in each. */
  pieces: (call: ChatCall, answer: Answer, dress: Dress, charactersPerChunk: number) => Piece[];
  /** An error in the format's own words. `status` null: the kind's own. */
  error: (refusal: Refusal, status: number | null, dress: Dress) => ErrorReply;
  inBandError: (kind: ReplyKind, dress: Dress) => Piece;
  /** An event that no client knows, nor may stumble over. */
  unknownEvent: Piece;
  requestIdHeaders: (n: number) => string[];
  limitHeaders: (state: LimitState, withResets: boolean) => string[];
  /** The key that a call came with. */
  keyOf: (headers: IncomingHttpHeaders) => string | undefined;
  /** Azure says how long twice: in seconds, and in milliseconds. */
  readonly saysMillisecondsToo: boolean;
}

/** What an answer is dressed in: who gives it and when, and what is left out on purpose. */
export interface Dress {
  /** Of the call; makes ids unique. */
  n: number;
  createdAt: number;
  /** Time that the model took, as drawn. */
  drawnMs: number;
  noUsage: boolean;
  noFinish: boolean;
}

/**
 * open: before any content (role, message_start). content: text, reasoning, tools: what the k of a fault counts.
 * frame: around content (block start and stop). end: the formal close ([DONE], message_stop).
 */
export interface Piece {
  role: 'open' | 'content' | 'frame' | 'finish' | 'usage' | 'end';
  event?: string;
  data: string;
  /** Content only: its place within its choice, from 0; choices are generated side by side. */
  step: number;
}

export interface Refusal {
  kind: ReplyKind;
  message?: string;
  /** Read by the limits and the tokens in the text; undefined: it does not say when to come back. */
  retryAfterMs?: number;
  /** Which limit is reached. */
  limit?: 'requests' | 'tokens' | 'concurrency';
  param?: string;
}

export interface ErrorReply {
  status: number;
  body: string;
}

export interface LimitState {
  requests: Dimension | null;
  tokens: Dimension | null;
}

export interface Dimension {
  limit: number;
  remaining: number;
  /** Until all of it is back. */
  resetMs: number;
  /** The same as Unix time. */
  resetAtMs: number;
}

export const isRefusal = (value: ChatCall | Refusal): value is Refusal => 'kind' in value;
