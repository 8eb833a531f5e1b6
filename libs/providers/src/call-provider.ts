import { changeMembers, type Deployment, type Failure, type LimitNews, type Mock } from '@sluice/core';
import { Pool } from 'undici';
import type { Adapter, Answer, Call, Continuation, FailedAttempt, PrefillForm, StreamEvent, Usage } from './adapter.js';
import { callWithMembers } from './call-with-members.js';
import { malformed, requestIdOf } from './classify-failure.js';
import { continueCall } from './continue-call.js';
import { HttpExchange } from './http-exchange.js';
import { mockAnswer, mockEvents, mockFailure } from './mock-reply.js';
import { countTextOf } from './openai/count-text.js';
import { OpenaiStreamReader } from './openai/chat-stream.js';
import { ownCallFor } from './own-dialect.js';
import { adapterFor } from './registry.js';
import { SniffedStream } from './sniffed-stream.js';
import { estimatedUsage } from './usage.js';

const MAX_BODY_BYTES = 32 * 1024 * 1024;
const MAX_ERROR_BYTES = 64 * 1024;
const MAX_ERROR_BODY_MS = 5_000;
/** Above the attempts' own connect clocks, so that a connection nobody waits for any more ends too. */
const POOL_CONNECT_MS = 60_000;
/** Long enough to spare handshakes, shorter than most servers' own limit, so that we are seldom the ones surprised. */
const KEEP_ALIVE_MS = 20_000;

/** All in ms. `firstTokenMs` absent: only `totalMs` bounds the wait for content. */
export interface AttemptTimeouts {
  connectMs: number;
  firstTokenMs: number | undefined;
  idleMs: number;
  totalMs: number;
}

export interface ProviderClientOptions {
  /** Connections to one origin; absent: as many as there are calls (leases bound those). */
  maxConnectionsPerOrigin?: number;
  nowMs?: () => number;
}

/**
 * Calls providers: the shell around the pure adapters. Owns sockets and clocks; what bytes mean, the adapters say. One per
 * process: it holds a connection pool for each origin. Never retries, save one thing: see `withoutRefusedParam`.
 */
export class ProviderClient {
  private readonly pools = new Map<string, Pool>();
  private readonly places = new Map<string, { origin: string; path: string }>();
  private readonly refusePrefill = new Set<string>();
  private readonly maxConnections: number | null;
  private readonly nowMs: () => number;

  constructor(options: ProviderClientOptions = {}) {
    this.maxConnections = options.maxConnectionsPerOrigin ?? null;
    this.nowMs = options.nowMs ?? Date.now;
  }

  /** A JSON call. Whatever the provider or the network does comes back as a failure; nothing is thrown. */
  async complete(
    call: Call,
    deployment: Deployment,
    signal: AbortSignal,
    timeouts: AttemptTimeouts,
  ): Promise<Answer | FailedAttempt> {
    const { mock } = deployment.target;
    if (mock !== undefined) return this.completeMock(call, mock, signal, timeouts);
    const startedMs = this.nowMs();
    const first = await this.completeOnce(call, deployment, signal, timeouts);
    const second = first.kind === 'failure' ? withoutRefusedParam(call, deployment, first.failure) : undefined;
    if (second === undefined) return first;
    const leftMs = timeouts.totalMs - (this.nowMs() - startedMs);
    return leftMs <= 0 ? first : this.completeOnce(second, deployment, signal, { ...timeouts, totalMs: leftMs });
  }

  /**
   * A streamed call: arrays of events, one for what came together. Ends with `end` or `failure`; with `failure` of kind
   * `cancelled` when the signal aborted. Stopping early (`return`) and aborting close the provider's socket at once.
   */
  stream(
    call: Call,
    deployment: Deployment,
    signal: AbortSignal,
    timeouts: AttemptTimeouts,
  ): AsyncIterable<StreamEvent[]> {
    const { mock } = deployment.target;
    if (mock !== undefined) return this.streamMock(call, deployment, mock, signal, timeouts);
    return {
      [Symbol.asyncIterator]: () => {
        const running: { exchange?: HttpExchange } = {};
        const batches = this.streamTwice(call, deployment, signal, timeouts, running);
        return {
          next: () => batches.next(),
          // A generator that awaits would hear of a return only at the next byte: the socket is closed first.
          return: () => {
            running.exchange?.close();
            return batches.return(undefined);
          },
        };
      },
    };
  }

  /** How many tokens a text has for the deployment's model, exactly; undefined: nobody knows its tokenizer. Slow. */
  countTextOf(deployment: Deployment): ((text: string) => number) | undefined {
    return countTextOf(deployment);
  }

  /** Members of the body that this deployment cannot serve and may not drop; empty: it can serve the call. */
  unsupported(call: Call, deployment: Deployment): string[] {
    return adapterFor(deployment.provider).unsupported(call, deployment);
  }

  /**
   * Closes the connections to all other origins: what runs there may finish. An attempt at one of them that comes later
   * opens a pool anew, which stays without sockets once they fall idle.
   */
  keepOrigins(origins: ReadonlySet<string>): void {
    for (const [origin, pool] of this.pools) {
      if (origins.has(origin)) continue;
      this.pools.delete(origin);
      pool.close().catch(() => undefined); // `stop` of the process ends what does not end
    }
  }

  /** The same call with other members of its body; `null` takes one away. */
  withMembers(call: Call, members: Readonly<Record<string, unknown>>): Call {
    return callWithMembers(call, members);
  }

  /** The call that asks for the rest of an answer that another deployment broke off. */
  callForRest(call: Call, rest: Continuation): Call {
    return continueCall(call, rest);
  }

  /** What an answer of so many characters has cost, where nobody said. */
  estimate(call: Call, completionChars: number): Usage {
    return estimatedUsage(call, completionChars);
  }

  /** How to ask this deployment for the rest of an answer; undefined: by a user's turn. */
  prefillForm(call: Call, deployment: Deployment): PrefillForm | undefined {
    if (this.refusePrefill.has(deployment.id)) return undefined;
    return adapterFor(deployment.provider).prefill(call, deployment);
  }

  /** It answered 400 to a prefill: it is not asked so again by this process. */
  notePrefillRefused(deployment: Deployment): void {
    this.refusePrefill.add(deployment.id);
  }

  /** Closes all connections; attempts under way fail. */
  async stop(): Promise<void> {
    const pools = [...this.pools.values()];
    this.pools.clear();
    await Promise.all(pools.map((pool) => pool.destroy()));
  }

  private async completeMock(
    call: Call,
    mock: Mock,
    signal: AbortSignal,
    { totalMs }: AttemptTimeouts,
  ): Promise<Answer | FailedAttempt> {
    const failure = await mockFailure(mock, signal, totalMs);
    return failure ?? mockAnswer({ ...call, inChat: true }, 'answer' in mock ? mock.answer : '', this.nowMs());
  }

  private async *streamMock(
    call: Call,
    deployment: Deployment,
    mock: Mock,
    signal: AbortSignal,
    { totalMs }: AttemptTimeouts,
  ): AsyncGenerator<StreamEvent[], undefined> {
    const failure = await mockFailure(mock, signal, totalMs);
    if (failure !== undefined) yield [failure];
    else {
      const inChat = { ...call, inChat: true };
      const reader = new OpenaiStreamReader(inChat, deployment, {}, this.nowMs());
      yield mockEvents(inChat, 'answer' in mock ? mock.answer : '', reader);
    }
    return undefined;
  }

  private async completeOnce(
    call: Call,
    deployment: Deployment,
    signal: AbortSignal,
    timeouts: AttemptTimeouts,
  ): Promise<Answer | FailedAttempt> {
    const adapter = adapterFor(deployment.provider);
    const exchange = new HttpExchange(signal, MAX_BODY_BYTES);
    this.start(exchange, adapter, call, deployment, timeouts);
    await exchange.head();
    const limits = adapter.limits(exchange.headers, this.nowMs());
    if (exchange.status >= 300) return withLimits(await this.errorReply(exchange, adapter, deployment), limits);
    const body = await exchange.whole(MAX_BODY_BYTES, TOO_LONG);
    if (exchange.over !== undefined && exchange.over.how !== 'ended') return failed(exchange.over.failure, deployment);
    const reply = { status: exchange.status, headers: exchange.headers, body };
    let answer;
    try {
      answer = adapter.answer(reply, call, deployment, this.nowMs());
    } catch {
      // JSON nested past the stack's depth.
      answer = malformed('The reply could not be read', exchange.headers);
    }
    return withLimits(answer.kind === 'failure' ? failed(answer.failure, deployment) : answer, limits);
  }

  private async *streamTwice(
    call: Call,
    deployment: Deployment,
    signal: AbortSignal,
    timeouts: AttemptTimeouts,
    running: { exchange?: HttpExchange },
  ): AsyncGenerator<StreamEvent[], undefined> {
    const refused = yield* this.streamOnce(call, deployment, signal, timeouts, running, true);
    if (refused !== undefined) yield* this.streamOnce(refused, deployment, signal, timeouts, running, false);
    return undefined;
  }

  /** Returns the call to make instead, when the provider refused a parameter that may be dropped. */
  private async *streamOnce(
    call: Call,
    deployment: Deployment,
    signal: AbortSignal,
    timeouts: AttemptTimeouts,
    running: { exchange?: HttpExchange },
    mayDrop: boolean,
  ): AsyncGenerator<StreamEvent[], Call | undefined> {
    const adapter = adapterFor(deployment.provider);
    const exchange = new HttpExchange(signal, undefined);
    running.exchange = exchange;
    try {
      this.start(exchange, adapter, call, deployment, timeouts);
      if (timeouts.firstTokenMs !== undefined) exchange.armTimer('first_token', timeouts.firstTokenMs);
      await exchange.head();
      const limits = adapter.limits(exchange.headers, this.nowMs());
      if (exchange.status >= 300) {
        const attempt = withLimits(await this.errorReply(exchange, adapter, deployment), limits);
        const other = mayDrop ? withoutRefusedParam(call, deployment, attempt.failure) : undefined;
        if (other === undefined) yield [attempt];
        return other;
      }
      if (exchange.over !== undefined && exchange.status === 0) {
        yield [failed(failureOfEnd(exchange), deployment)];
        return undefined;
      }
      const reader = new SniffedStream(adapter, call, deployment, exchange.headers, this.nowMs());
      let hasContent = false;
      for (;;) {
        const events: StreamEvent[] = [];
        for (const chunk of exchange.take()) for (const event of reader.push(chunk)) events.push(event);
        if (!hasContent && events.some((event) => event.kind === 'chunk' && event.hasContent)) {
          hasContent = true;
          exchange.disarm('first_token');
          exchange.armTimer('idle', timeouts.idleMs);
        }
        const isCancelled = exchange.over?.how === 'cut' && exchange.over.failure.kind === 'cancelled';
        if (exchange.over !== undefined && (isCancelled || !isClosing(events.at(-1)))) {
          events.push(...lastEvents(exchange, reader, events));
        }
        const last = events.at(-1);
        if (last?.kind === 'failure') last.failure = failed(last.failure, deployment).failure;
        if (last?.kind === 'end' || last?.kind === 'failure') withLimits(last, limits);
        if (last?.kind === 'end') {
          const requestId = requestIdOf(exchange.headers);
          if (requestId !== undefined) last.requestId = requestId;
          exchange.letRunOut();
        } else if (isClosing(last)) exchange.close();
        if (events.length > 0) yield events;
        if (isClosing(last)) return undefined;
        await exchange.changed();
      }
    } finally {
      exchange.close();
    }
  }

  private start(
    exchange: HttpExchange,
    adapter: Adapter,
    call: Call,
    deployment: Deployment,
    { connectMs, totalMs }: AttemptTimeouts,
  ): void {
    let request;
    let place;
    try {
      request = adapter.request(call, deployment);
      place = this.placeOf(request.url);
    } catch {
      exchange.cut(
        request === undefined
          ? { kind: 'bad_request', message: 'The call could not be translated for this provider' }
          : { kind: 'network', message: 'The address of the provider is not a URL' },
      );
      return;
    }
    exchange.start(this.poolOf(place.origin), place.origin, place.path, request, connectMs, totalMs);
  }

  /** A body that says why: at most 64 KiB of it, and no longer than 5 s. */
  private async errorReply(exchange: HttpExchange, adapter: Adapter, deployment: Deployment): Promise<FailedAttempt> {
    exchange.closeAfter(MAX_ERROR_BODY_MS);
    const body = await exchange.whole(MAX_ERROR_BYTES);
    exchange.close();
    const { over, status, headers } = exchange;
    if (over?.how === 'cut' && over.failure.kind === 'cancelled') return failed(over.failure, deployment);
    let failure;
    try {
      failure = adapter.failure({ status, headers, body }, this.nowMs());
    } catch {
      // A body that cannot be read says no more than its status.
      failure = adapter.failure({ status, headers, body: Buffer.alloc(0) }, this.nowMs());
    }
    return failed(failure, deployment);
  }

  private poolOf(origin: string): Pool {
    let pool = this.pools.get(origin);
    if (pool === undefined) {
      pool = new Pool(origin, {
        connections: this.maxConnections,
        connect: { timeout: POOL_CONNECT_MS },
        keepAliveTimeout: KEEP_ALIVE_MS,
        // A cut must close the provider's socket; on HTTP/2 it would only reset a stream.
        allowH2: false,
      });
      this.pools.set(origin, pool);
    }
    return pool;
  }

  /** URLs are few: one for each deployment. */
  private placeOf(url: string): { origin: string; path: string } {
    let place = this.places.get(url);
    if (place === undefined) {
      const { origin, pathname, search } = new URL(url);
      place = { origin, path: pathname + search };
      if (this.places.size > 10_000) this.places.clear();
      this.places.set(url, place);
    }
    return place;
  }
}

function withLimits<Last extends { limits?: LimitNews }>(last: Last, limits: LimitNews | undefined): Last {
  if (limits !== undefined) last.limits = limits;
  return last;
}

const TOO_LONG: Failure = { kind: 'malformed', message: 'The reply is longer than 32 MiB' };

const isClosing = (event: StreamEvent | undefined): boolean => event?.kind === 'end' || event?.kind === 'failure';

function failureOfEnd({ over }: HttpExchange): Failure {
  return over === undefined || over.how === 'ended'
    ? { kind: 'network', message: 'The provider closed the connection' }
    : over.failure;
}

/**
 * The reader says whether the answer was complete when the bytes stopped coming, for whatever reason; if it was not, the
 * reason is told: our clock, our bound, or else the reader's own word (a reset in mid-stream is a broken stream).
 */
function lastEvents(exchange: HttpExchange, reader: SniffedStream, before: readonly StreamEvent[]): StreamEvent[] {
  const last = reader.end();
  const { over } = exchange;
  if (over?.how !== 'cut') {
    if (over?.how === 'failed' && exchange.bytes === 0) {
      return [{ kind: 'failure', failure: { kind: 'stream_broken', message: over.failure.message } }];
    }
    return last;
  }
  const closing = last.at(-1) ?? before.at(-1);
  if (closing?.kind === 'end' && over.failure.kind !== 'cancelled') return last;
  const afterTokens = closing?.kind === 'failure' ? closing.failure.afterTokens : undefined;
  const kept = last.filter((event) => !isClosing(event));
  return [
    ...kept,
    { kind: 'failure', failure: afterTokens === undefined ? over.failure : { ...over.failure, afterTokens } },
  ];
}

/** Adapters mask what looks like a key; here the one that was really used is known. */
function failed(failure: Failure, { target }: Deployment): FailedAttempt {
  const { apiKey, azureAdToken } = target;
  let { message } = failure;
  for (const secret of [apiKey, azureAdToken]) {
    if (secret !== undefined && secret.length >= 4 && message.includes(secret))
      message = message.replaceAll(secret, '***');
  }
  return { kind: 'failure', failure: message === failure.message ? failure : { ...failure, message } };
}

/**
 * With `drop_params` a provider's 400 that names an unsupported parameter is repeated once without it. This stands here and
 * not with the retries, because it is the same attempt: nothing was asked of the model yet. Source: WIRE.md 11.
 */
function withoutRefusedParam(call: Call, deployment: Deployment, failure: Failure): Call | undefined {
  const { target } = deployment;
  const { code, param } = failure;
  if (!target.dropParams || param === undefined || failure.kind !== 'bad_request') return undefined;
  if (code !== 'unsupported_parameter' && code !== 'unsupported_value') return undefined;
  if (call.body[param] === undefined || param === 'messages' || param === 'model') return undefined;
  if (ownCallFor(call, deployment) !== undefined) return callWithMembers(call, { [param]: null });
  const { [param]: _dropped, ...rest } = call.body;
  const body: Call['body'] = { ...rest, messages: call.body.messages };
  return { ...call, source: changeMembers(call.source, new Map([[param, 'remove']])), body };
}
