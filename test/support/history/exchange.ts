import { subscribe, unsubscribe } from 'node:diagnostics_channel';

/** A request and what became of it, as its caller has seen it. */
export interface Exchange {
  origin: string;
  method: string;
  /** Without the query. */
  path: string;
  query: URLSearchParams;
  headers: Headers;
  sent: string;
  /** 0: no head came. */
  status: number;
  replyHeaders: Headers;
  /** What came of it. */
  reply: string;
  /** `whole`: the reply ended as HTTP says it ends. `cut`: by the other side, or by the caller. */
  how: 'open' | 'whole' | 'cut';
  startedAtMs: number;
  endedAtMs: number;
}

/** More of a body is not kept: no JSON of the tests is larger, and files' bytes are of no interest. */
const MOST_SENT_BYTES = 32 * 1024 * 1024;

interface Heard {
  exchange: Exchange;
  sent: Uint8Array[];
  sentBytes: number;
  reply: Uint8Array[];
}

interface Request {
  method: string;
  origin: string;
  path: string;
  headers: readonly string[];
}

/**
 * Listens to every `fetch` of this process, whoever calls it: undici tells of its requests on diagnostics channels. It changes
 * nothing about them; that a test need not write down what it does, and cannot forget to, is what it is for.
 * Requests by other means (sockets, other processes) are not heard.
 */
export class WireTap {
  private readonly heard = new WeakMap<object, Heard>();
  private readonly open = new Set<Heard>();
  private readonly listeners = new Map<string, (message: unknown) => void>();

  /**
   * @param isOurs of an origin: requests to others are none of our business
   * @param ended is told of each exchange once, when it is over
   */
  constructor(
    private readonly isOurs: (origin: string) => boolean,
    private readonly ended: (exchange: Exchange) => void,
  ) {
    type Message = { request: Request; chunk: Uint8Array; response: { statusCode: number; headers: Buffer[] } };
    const on = (name: string, listener: (message: Message) => void): void => {
      this.listeners.set(`undici:request:${name}`, (message) => listener(message as Message));
    };
    on('create', ({ request }) => this.begin(request));
    on('bodyChunkSent', ({ request, chunk }) => {
      const found = this.heard.get(request);
      if (found === undefined || (found.sentBytes += chunk.length) > MOST_SENT_BYTES) return;
      found.sent.push(Buffer.from(chunk));
    });
    on('headers', ({ request, response }) => {
      const found = this.heard.get(request);
      if (found === undefined) return;
      found.exchange.status = response.statusCode;
      found.exchange.replyHeaders = headersOf(response.headers.map((part) => part.toString('latin1')));
    });
    on('bodyChunkReceived', ({ request, chunk }) => this.heard.get(request)?.reply.push(Buffer.from(chunk)));
    on('trailers', ({ request }) => this.end(request, 'whole'));
    on('error', ({ request }) => this.end(request, 'cut'));
    for (const [channel, listener] of this.listeners) subscribe(channel, listener);
  }

  /** Of those that are not over: as far as they are. */
  unfinished(): Exchange[] {
    return [...this.open].map((heard) => soFar(heard, 'open'));
  }

  stop(): void {
    for (const [channel, listener] of this.listeners) unsubscribe(channel, listener);
  }

  private begin(request: Request): void {
    if (!this.isOurs(request.origin)) return;
    const url = new URL(request.path, request.origin);
    const exchange: Exchange = {
      origin: request.origin,
      method: request.method,
      path: url.pathname,
      query: url.searchParams,
      headers: headersOf(request.headers),
      sent: '',
      status: 0,
      replyHeaders: new Headers(),
      reply: '',
      how: 'open',
      startedAtMs: Date.now(),
      endedAtMs: 0,
    };
    const heard: Heard = { exchange, sent: [], sentBytes: 0, reply: [] };
    this.heard.set(request, heard);
    this.open.add(heard);
  }

  private end(request: Request, how: 'whole' | 'cut'): void {
    const found = this.heard.get(request);
    if (found === undefined) return;
    this.heard.delete(request);
    this.open.delete(found);
    this.ended(soFar(found, how));
  }
}

function soFar({ exchange, sent, sentBytes, reply }: Heard, how: Exchange['how']): Exchange {
  return {
    ...exchange,
    how,
    endedAtMs: Date.now(),
    sent: sentBytes > MOST_SENT_BYTES ? '' : Buffer.concat(sent).toString(),
    reply: Buffer.concat(reply).toString(),
  };
}

function headersOf(parts: readonly string[]): Headers {
  const headers = new Headers();
  for (let i = 0; i + 1 < parts.length; i += 2) headers.append(parts[i]!, parts[i + 1]!);
  return headers;
}
