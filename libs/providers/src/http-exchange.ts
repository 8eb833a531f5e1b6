import type { Failure, TimeoutPhase } from '@sluice/core';
import type { Dispatcher } from 'undici';
import type { ProviderRequest } from './adapter.js';
import { decoderFor, type BodyDecoder } from './content-decoding.js';
import { failureOfSocketError } from './socket-error.js';

/** Bytes read ahead of the consumer before the socket is paused. */
const READ_AHEAD_BYTES = 256 * 1024;
/** What may still come after the answer's end, and for how long, before the connection is given up instead of kept alive. */
const TAIL_BYTES = 64 * 1024;
const TAIL_MS = 500;

/** A longer one would fire at once (24.8 days). */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** How an exchange came to its end. `cut`: by us (a clock, the caller, a bound). */
export type ExchangeEnd = { how: 'ended' } | { how: 'failed'; failure: Failure } | { how: 'cut'; failure: Failure };

/**
 * One HTTP request and its reply, on undici's dispatch: no body stream in between, so that a network read is one call and a
 * cut is one call that closes the socket at once. Knows clocks and bytes, nothing of their meaning.
 *
 *     connecting ── onRequestStart ──► sent ── onResponseStart ──► reading ── onResponseEnd ──► over
 *          └────────────── cut (clock, caller, bound) or onResponseError, from anywhere ───────────►┘
 */
export class HttpExchange implements Dispatcher.DispatchHandler {
  status = 0;
  headers: Record<string, string | undefined> = {};
  over: ExchangeEnd | undefined;
  bytes = 0;
  private queue: Buffer[] = [];
  private queuedBytes = 0;
  private controller: Dispatcher.DispatchController | undefined;
  private decoder: BodyDecoder | undefined;
  private isStarted = false;
  private isPaused = false;
  private isDraining = false;
  private wake: (() => void) | undefined;
  private hasChanged = false;
  private readonly timers = new Map<TimeoutPhase | 'tail', NodeJS.Timeout>();
  private readonly onAbort = (): void => this.cut(cancelled());

  constructor(
    private readonly signal: AbortSignal,
    /** Bodies up to this many bytes are read without pausing; `undefined`: streamed, with back pressure. */
    private readonly wholeBytes: number | undefined,
  ) {}

  start(
    dispatcher: Dispatcher,
    origin: string,
    path: string,
    request: ProviderRequest,
    connectMs: number,
    totalMs: number,
  ): void {
    if (this.signal.aborted) {
      this.cut(cancelled());
      return;
    }
    this.signal.addEventListener('abort', this.onAbort, { once: true });
    this.armTimer('total', totalMs);
    try {
      dispatcher.dispatch(
        {
          origin,
          path,
          method: request.method,
          headers: request.headers,
          body: request.body,
          headersTimeout: 0,
          bodyTimeout: 0,
        },
        this,
      );
    } catch (error) {
      this.finish({ how: 'failed', failure: failureOfSocketError(error, false) });
    }
    if (!this.isStarted && this.over === undefined) this.armTimer('connect', connectMs);
  }

  /** Resolves when something has changed since the last time: head, bytes, or the end. At times when nothing has. */
  changed(): Promise<void> {
    if (this.hasChanged || this.over !== undefined) {
      this.hasChanged = false;
      return Promise.resolve();
    }
    return new Promise((resolve) => (this.wake = resolve));
  }

  async head(): Promise<void> {
    while (this.status === 0 && this.over === undefined) await this.changed();
  }

  /** The whole body, up to `maxBytes`; beyond it `over` is `cut` by `tooLong`, or with none simply ends there. */
  async whole(maxBytes: number, tooLong?: Failure): Promise<Buffer> {
    while (this.over === undefined) {
      if (this.queuedBytes > maxBytes) {
        if (tooLong === undefined) this.close();
        else this.cut(tooLong);
        break;
      }
      this.unpause();
      await this.changed();
    }
    const body = this.queue.length === 1 && this.queue[0] !== undefined ? this.queue[0] : Buffer.concat(this.queue);
    return body.length > maxBytes ? body.subarray(0, maxBytes) : body;
  }

  /** What has come since the last time. */
  take(): Buffer[] {
    const taken = this.queue;
    this.queue = [];
    this.queuedBytes = 0;
    this.unpause();
    return taken;
  }

  armTimer(phase: TimeoutPhase, ms: number): void {
    if (this.over !== undefined) return;
    this.timers.set(
      phase,
      setTimeout(() => this.timeOut(phase), Math.min(ms, LONGEST_TIMER_MS)),
    );
  }

  disarm(phase: TimeoutPhase): void {
    clearTimeout(this.timers.get(phase));
    this.timers.delete(phase);
  }

  cut(failure: Failure): void {
    if (this.over !== undefined) return;
    this.finish({ how: 'cut', failure });
    this.controller?.abort(CUT);
  }

  /** Ends the body after `ms`, with what has come until then. */
  closeAfter(ms: number): void {
    if (this.over !== undefined && !this.isDraining) return;
    this.timers.set(
      'tail',
      setTimeout(() => this.close(), ms),
    );
  }

  /** The consumer has all it wants: closes the socket, unless the reply is over. */
  close(): void {
    if (this.over !== undefined && !this.isDraining) return;
    this.isDraining = false;
    this.finish({ how: 'ended' });
    this.controller?.abort(CUT);
  }

  /** The answer is complete: lets the reply's tail run out so that the connection can serve again. */
  letRunOut(): void {
    if (this.over !== undefined) return;
    this.finish({ how: 'ended' });
    this.isDraining = true;
    this.bytes = 0;
    this.unpause();
    this.closeAfter(TAIL_MS);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.isStarted = true;
    this.controller = controller;
    this.disarm('connect');
    if (this.over !== undefined) controller.abort(CUT);
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (status < 200 || this.over !== undefined) return;
    this.controller = controller;
    this.status = status;
    for (const name in headers) {
      const value = headers[name];
      this.headers[name] = Array.isArray(value) ? value[0] : value;
    }
    const coding = this.headers['content-encoding'];
    if (coding !== undefined) this.decode(coding);
    this.signalChange();
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.isDraining) {
      this.bytes += chunk.length;
      if (this.bytes > TAIL_BYTES) this.close();
      return;
    }
    if (this.over !== undefined) return;
    this.timers.get('idle')?.refresh();
    if (this.decoder === undefined) this.accept(chunk);
    else this.decoder.write(chunk);
  }

  onResponseEnd(): void {
    if (this.isDraining) {
      this.isDraining = false;
      this.clearTimers();
    } else if (this.decoder === undefined) this.finish({ how: 'ended' });
    else this.decoder.end();
  }

  onResponseError(_controller: unknown, error: Error): void {
    if (this.isDraining) {
      this.isDraining = false;
      this.clearTimers();
      return;
    }
    this.finish({ how: 'failed', failure: failureOfSocketError(error, this.status !== 0) });
  }

  private decode(coding: string): void {
    const decoder = decoderFor(coding, {
      onData: (chunk) => this.accept(chunk),
      onEnd: () => this.finish({ how: 'ended' }),
      onError: () => this.cut({ kind: 'malformed', message: 'The body does not match its content-encoding' }),
    });
    if (decoder === 'identity') return;
    if (decoder === undefined)
      this.cut({ kind: 'malformed', message: 'The body comes in an unknown content-encoding' });
    else this.decoder = decoder;
  }

  private accept(chunk: Buffer): void {
    if (this.over !== undefined) return;
    this.bytes += chunk.length;
    this.queue.push(chunk);
    this.queuedBytes += chunk.length;
    if (this.wholeBytes !== undefined) {
      // A whole body is looked at once, at its end.
      if (this.queuedBytes > this.wholeBytes) this.signalChange();
      return;
    }
    if (this.queuedBytes > READ_AHEAD_BYTES && !this.isPaused) {
      this.isPaused = true;
      this.controller?.pause();
      this.decoder?.pause();
    }
    this.signalChange();
  }

  private unpause(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    this.timers.get('idle')?.refresh();
    this.decoder?.resume();
    this.controller?.resume();
  }

  private timeOut(phase: TimeoutPhase): void {
    // Silence that we asked for is not the provider's.
    if (phase === 'idle' && (this.isPaused || this.queuedBytes > 0)) this.timers.get('idle')?.refresh();
    else this.cut({ kind: 'timeout', message: TIMEOUT_MESSAGES[phase], phase });
  }

  private finish(end: ExchangeEnd): void {
    if (this.over !== undefined) return;
    this.over = end;
    this.signal.removeEventListener('abort', this.onAbort);
    this.clearTimers();
    this.decoder?.close();
    this.signalChange();
  }

  private clearTimers(): void {
    for (const timer of this.timers.values()) clearTimeout(timer);
    this.timers.clear();
  }

  private signalChange(): void {
    const { wake } = this;
    this.wake = undefined;
    // Whoever is not waiting now will ask later.
    if (wake === undefined) this.hasChanged = true;
    else wake();
  }
}

/** Handed to undici, never shown. One for all: an error with a stack costs microseconds. */
const CUT = new Error('Sluice closed the connection');

const cancelled = (): Failure => ({ kind: 'cancelled', message: 'The call was cancelled' });

const TIMEOUT_MESSAGES: Readonly<Record<TimeoutPhase, string>> = {
  connect: 'The provider could not be reached in time',
  first_token: 'The provider sent no content in time',
  idle: 'The provider fell silent in the middle of its answer',
  total: 'The provider did not finish in time',
};
