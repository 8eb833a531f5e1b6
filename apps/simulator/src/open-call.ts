import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { DeliveryRun } from './delivery/delivery-run.js';
import { GzipInParts } from './delivery/gzip-in-parts.js';
import type { Delivery } from './delivery/plan.js';
import { PlainWire, type RawPace, RawWire, type Wire } from './delivery/wires.js';
import type { Format } from './formats/format.js';
import type { Profile } from './profile.js';
import type { Outcome, RequestRecord } from './request-log.js';
import type { Fault } from './script/fault.js';
import type { World } from './world.js';

interface Parts {
  world: World;
  profile: Profile;
  format: Format;
  res: ServerResponse;
  /** Undefined: nothing is logged. */
  record: RequestRecord | undefined;
  /** performance.now() */
  arrivedMs: number;
  n: number;
}

/**
 * A call that is being answered: keeps statistics and log in step with what happens on the wire.
 *
 *     open ──► answered at once · delivered · cut · reset ──► ended
 *       └────► hangs, stalls ──► the client leaves, or the simulator stops ──► ended
 */
export class OpenCall {
  readonly format: Format;
  readonly profile: Profile;
  readonly record: RequestRecord | undefined;
  readonly n: number;
  /** Told once, when nothing more will happen. */
  whenEnded: (() => void) | undefined;
  private hasEnded = false;
  private run: DeliveryRun | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly parts: Parts) {
    this.format = parts.format;
    this.profile = parts.profile;
    this.record = parts.record;
    this.n = parts.n;
    parts.world.stats.begin();
    parts.profile.stats.begin();
  }

  get isOpen(): boolean {
    return !this.hasEnded;
  }

  /** The common case, cheaply: a whole body, now. */
  answerAtOnce(status: number, headers: string[], body: string): void {
    const { res } = this.parts;
    const length = Buffer.byteLength(body);
    headers.push('content-length', String(length));
    res.writeHead(status, headers);
    res.end(body);
    this.sawHeaders(status);
    this.sent(length, 1);
    this.end('completed');
  }

  deliver(delivery: Delivery, fault: Fault): void {
    const { res, arrivedMs } = this.parts;
    res.once('close', this.clientLeft);
    const isStream = delivery.length === null;
    const events = {
      headers: () => this.sawHeaders(delivery.status),
      sent: (bytes: number, chunks: number) => this.sent(bytes, chunks),
      stalled: () => this.stalled(),
      ended: (outcome: Outcome) => this.end(outcome),
    };
    this.run = new DeliveryRun(delivery, this.wireFor(fault), events, arrivedMs + (fault.delayHeadersMs ?? 0), {
      gzip: isStream && fault.gzip === true ? new GzipInParts() : undefined,
      resetAfterHeaders: fault.resetAfterHeaders === true,
    });
    this.run.go();
  }

  /** A body in one piece is compressed as a whole, so that its length is known. */
  compressed(body: Buffer, fault: Fault): Buffer {
    return fault.gzip === true ? gzipSync(body) : body;
  }

  /** No answer, ever. */
  hang(): void {
    this.parts.res.once('close', this.clientLeft);
    this.stalled();
  }

  resetBeforeHeaders(afterMs: number): void {
    const { res } = this.parts;
    const reset = (): void => {
      this.end('reset');
      res.socket?.resetAndDestroy();
    };
    if (afterMs === 0) return reset();
    res.once('close', this.clientLeft);
    this.timer = setTimeout(reset, afterMs);
  }

  /** The simulator stops: timers go, the socket is the server's to close. */
  abandon(): void {
    if (!this.hasEnded) this.end(this.record?.outcome ?? 'cut');
  }

  private wireFor(fault: Fault): Wire {
    const { res } = this.parts;
    const { headerByteMs, bodyByteMs, splitBytes, fuzz, badLength } = fault;
    const lengthError = badLength === false ? undefined : badLength;
    const isRaw =
      headerByteMs !== undefined ||
      bodyByteMs !== undefined ||
      splitBytes !== undefined ||
      fuzz === true ||
      lengthError !== undefined;
    if (!isRaw || res.socket === null) return new PlainWire(res);
    const pace: RawPace = { headerByteMs, bodyByteMs, lengthError };
    if (splitBytes !== undefined) pace.nextSize = () => splitBytes;
    else if (fuzz === true) pace.nextSize = (left) => Math.ceil(this.profile.faultDice() * Math.max(64, left / 500));
    return new RawWire(res.socket, pace);
  }

  private readonly clientLeft = (): void => {
    if (!this.hasEnded) this.end('client_closed');
  };

  private sawHeaders(status: number): void {
    const { profile, parts } = this;
    const { world } = parts;
    world.stats.answered(status);
    profile.stats.answered(status);
    if (this.record === undefined) return;
    this.record.status = status;
    this.record.headersMs = this.sinceArrival();
  }

  private sent(bytes: number, chunks: number): void {
    const { record } = this;
    if (record === undefined) return;
    record.bytes += bytes;
    record.chunks += chunks;
    if (chunks > 0) record.firstChunkMs ??= this.sinceArrival();
    if (record.outcome === 'stalled') record.outcome = null;
  }

  private stalled(): void {
    if (this.record !== undefined) this.record.outcome = 'stalled';
  }

  private end(outcome: Outcome): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    this.run?.stop();
    clearTimeout(this.timer);
    const { profile, parts } = this;
    const { world } = parts;
    world.stats.end(outcome === 'client_closed');
    profile.stats.end(outcome === 'client_closed');
    if (this.record !== undefined) {
      this.record.outcome = outcome;
      this.record.endMs = this.sinceArrival();
    }
    this.whenEnded?.();
  }

  private sinceArrival(): number {
    return Math.round((performance.now() - this.parts.arrivedMs) * 10) / 10;
  }
}
