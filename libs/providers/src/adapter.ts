import type { Deployment, Failure, LimitNews } from '@sluice/core';
import type { OwnCall } from '@sluice/wire';

/**
 * One vendor's wire format: translate, read, classify. Pure: no I/O, no clock, no dice; `call-provider.ts` does those.
 * One object per provider; what varies per call comes as arguments. Source of every rule: WIRE.md of the design, by section.
 */
export interface Adapter {
  /** Parameters of the body that this target cannot serve (WIRE.md 11), after drop_params; empty: it can. */
  unsupported(call: Call, target: Deployment): string[];
  /** How this target goes on from a final assistant message; undefined: it does not, or not in this call. */
  prefill(call: Call, target: Deployment): PrefillForm | undefined;
  request(call: Call, target: Deployment): ProviderRequest;
  /** A reply with status < 300 to a call without `stream`. */
  answer(reply: Reply, call: Call, target: Deployment, nowMs: number): Answer | FailedAttempt;
  /** Reads a reply with status < 300 to a call with `stream`. One reader per attempt; `headers` are the reply's. */
  stream(call: Call, target: Deployment, headers: Reply['headers'], nowMs: number): StreamReader;
  /** What the head of any reply says of the provider's own limits; undefined when nothing. */
  limits(headers: Reply['headers'], nowMs: number): LimitNews | undefined;
  /** A reply with status >= 300. */
  failure(reply: Reply, nowMs: number): Failure;
}

/** What the client asked, prepared once per job. */
export interface Call {
  /** `chatcmpl-<hex>`: the id in answers and chunks, whatever the provider says. */
  readonly id: string;
  /** Unix seconds: `created` in answers and chunks. */
  readonly createdAt: number;
  /** `model` in answers and chunks: the name that the client asked for, or of the fallback group that serves. */
  readonly model: string;
  readonly stream: boolean;
  /** The body as the client sent it, UTF-8, valid JSON. Edited by span, never re-serialised. */
  readonly source: string;
  /** The same, parsed. Read only. */
  readonly body: ChatBody;
  /** What the client asked, where that was no chat: `source` and `body` are then made of it. Absent: it was a chat. */
  readonly own?: OwnCall | undefined;
  /** Asked in chat even of who speaks the client's own dialect: what goes on with an answer is no longer the client's call. */
  readonly inChat?: boolean;
}

export type ChatBody = Readonly<Record<string, unknown>> & {
  readonly messages: readonly Readonly<Record<string, unknown>>[];
};

/**
 * How a server is told that the last message is the beginning of its answer: by that alone, or by a member of the message or of
 * the body besides. Source: WIRE-SAMPLES.md Q.
 */
export type PrefillForm = 'plain' | 'prefix' | 'partial' | 'continue_final_message';

/** The answer so far, and how to ask for the rest of it: in the model's own mouth, or by a user's turn. */
export interface Continuation {
  text: string;
  prefill: PrefillForm | undefined;
  /** Tokens of the answer that the caller has had, for `max_tokens`. */
  tokens: number;
}

export interface ProviderRequest {
  method: 'POST';
  url: string;
  /** Lower-case names. Holds the provider key. */
  headers: Record<string, string>;
  body: string;
}

/** An attempt that gave no answer. */
export interface FailedAttempt {
  kind: 'failure';
  failure: Failure;
  limits?: LimitNews;
}

/** A whole reply, decoded (gzip and the like undone), at most 32 MiB. */
export interface Reply {
  status: number;
  /** Lower-case names. */
  headers: Readonly<Record<string, string | undefined>>;
  body: Buffer;
}

/** A complete answer for the client, a chat completion or in the dialect of its call: `text` is its JSON, with id, created and model ours. */
export interface Answer {
  kind: 'answer';
  text: string;
  usage: Usage | undefined;
  finishes: Finish[];
  requestId?: string;
  limits?: LimitNews;
}

export interface Usage {
  prompt: number;
  completion: number;
  cached: number;
  cacheWrite: number;
  reasoning: number;
  /** The provider said nothing; counted from text. */
  estimated: boolean;
}

export interface Finish {
  choice: number;
  /** OpenAI's word: stop, length, tool_calls, content_filter. */
  reason: string;
  /** The provider's own word. */
  native: string;
}

export interface StreamReader {
  /** Bytes as they come (decoded), split anywhere. */
  push(bytes: Uint8Array): StreamEvent[];
  /** The provider closed the stream cleanly or not; says whether the answer was complete. Always ends in `end` or `failure`. */
  end(): StreamEvent[];
}

/**
 * `failure` and `end` close the stream: nothing comes after them. Role chunks, empty deltas, usage chunks and everything
 * after the last finish are not passed on: the runner writes role, usage and [DONE].
 */
export type StreamEvent =
  | {
      kind: 'chunk';
      /** The chunk's JSON for the client (`chat.completion.chunk`; id, created and model ours; no line breaks). */
      text: string;
      /** Content came: text, reasoning, refusal or tool call. The first such chunk is the commit point. */
      hasContent: boolean;
      /** Characters of content in it, for estimates. */
      contentChars: number;
      finishes: Finish[];
    }
  | { kind: 'usage'; usage: Usage }
  | { kind: 'failure'; failure: Failure; limits?: LimitNews }
  | { kind: 'end'; limits?: LimitNews; requestId?: string };
