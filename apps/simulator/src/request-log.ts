import type { IncomingHttpHeaders } from 'node:http';
import type { Question } from './question.js';
import type { Fault } from './script/fault.js';

/** One call as the provider saw it. Times ending in `Ms` but `atMs` are since the call came in. */
export interface RequestRecord {
  /** From 1; starts over at a reset. */
  n: number;
  /** Unix time. */
  atMs: number;
  format: 'openai' | 'azure' | 'anthropic';
  /** Path without the profile and the query. */
  route: string;
  /** Without a fault suffix; empty when none was named. */
  model: string;
  profile: string | null;
  /** `log: full` only; of keys the last four characters. */
  headers: Record<string, string> | null;
  /** `log: full` only: parsed where it is a JSON object, else as text. */
  body: unknown;
  do: Fault | null;
  /** Null until headers are sent. */
  status: number | null;
  headersMs: number | null;
  firstChunkMs: number | null;
  endMs: number | null;
  /** Pieces of content sent; an answer in one piece counts 1. */
  chunks: number;
  /** Of the body, as handed to the socket. */
  bytes: number;
  /** Null while it goes on; `stalled` while it hangs, until the client leaves. */
  outcome: Outcome | null;
  /** Time that the model itself took, as drawn: to the first token, and from it to the last. */
  drawnMs: number;
  /** What a 429 asked for. */
  retryAfterMs: number | null;
  /** Which limit refused the call. */
  limited: 'requests' | 'tokens' | 'concurrency' | null;
}

export type Outcome = 'completed' | 'cut' | 'reset' | 'stalled' | 'client_closed';

export interface RequestFilter {
  /** Records after this n; a number as large as a Unix time in ms: records from that time on. */
  since?: number;
  model?: string;
  /** Empty: calls without a profile. */
  profile?: string;
}

const MOST_RECORDS = 100_000;
/** Let go this many at a time, since letting go of one moves all the others. */
const FORGOTTEN_AT_ONCE = 10_000;
/** Bodies are let go, oldest first, above this. */
const MOST_BODY_BYTES = 256 * 1024 * 1024;
/** Later than any n and earlier than any Unix time in ms. */
const FIRST_UNIX_MS = 1_000_000_000_000;

/** The last 100,000 calls. */
export class RequestLog {
  private records: RequestRecord[] = [];
  private sizes: number[] = [];
  private bodyBytes = 0;
  private oldestBody = 0;

  add(record: RequestRecord, bodyBytes: number): void {
    if (this.records.length >= MOST_RECORDS + FORGOTTEN_AT_ONCE) this.forget(FORGOTTEN_AT_ONCE);
    this.records.push(record);
    this.sizes.push(bodyBytes);
    this.bodyBytes += bodyBytes;
    while (this.bodyBytes > MOST_BODY_BYTES && this.oldestBody < this.records.length - 1) {
      this.bodyBytes -= this.sizes[this.oldestBody]!;
      this.sizes[this.oldestBody] = 0;
      this.records[this.oldestBody]!.body = null;
      this.oldestBody += 1;
    }
  }

  find({ since, model, profile }: RequestFilter = {}): RequestRecord[] {
    return this.records.slice(-MOST_RECORDS).filter((record) => {
      if (since !== undefined && (since >= FIRST_UNIX_MS ? record.atMs < since : record.n <= since)) return false;
      if (model !== undefined && record.model !== model) return false;
      return profile === undefined || (record.profile ?? '') === profile;
    });
  }

  clear(): void {
    this.records = [];
    this.sizes = [];
    this.bodyBytes = 0;
    this.oldestBody = 0;
  }

  private forget(count: number): void {
    for (const size of this.sizes.slice(0, count)) this.bodyBytes -= size;
    this.records = this.records.slice(count);
    this.sizes = this.sizes.slice(count);
    this.oldestBody = Math.max(0, this.oldestBody - count);
  }
}

const SECRET_HEADERS = new Set(['authorization', 'api-key', 'x-api-key']);

function shownHeaders(headers: IncomingHttpHeaders): Record<string, string> {
  const shown: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    const text = Array.isArray(value) ? value.join(', ') : (value ?? '');
    shown[name] = SECRET_HEADERS.has(name) ? `…${text.slice(-4)}` : text;
  }
  return shown;
}

/** A record of a call that has just come in. */
export function newRecord(n: number, question: Question, fault: Fault | undefined, isFull: boolean): RequestRecord {
  const { route, headers, bytes, body, model } = question;
  return {
    n,
    atMs: Date.now(),
    format: route.format.name,
    route: route.path,
    model,
    profile: route.profile,
    headers: isFull ? shownHeaders(headers) : null,
    body: isFull && bytes.length > 0 ? (body ?? bytes.toString('utf8')) : null,
    do: fault ?? null,
    status: null,
    headersMs: null,
    firstChunkMs: null,
    endMs: null,
    chunks: 0,
    bytes: 0,
    outcome: null,
    drawnMs: 0,
    retryAfterMs: null,
    limited: null,
  };
}
