import type { LimitState } from './formats/format.js';
import type { LimitScript } from './script/script.js';

export type Admission =
  { admitted: true } | { admitted: false; limit: 'requests' | 'tokens' | 'concurrency'; retryAfterMs: number };

/** Nobody can say when a running call ends; a second is what a caller can use. */
const CONCURRENCY_RETRY_MS = 1_000;

/**
 * The limits of one profile: requests and tokens in a window, and calls at a time. A fixed window opens with the first
 * call after the last one closed; a sliding one looks back from now. A refused call uses nothing.
 */
export class LimitWindows {
  private openedAtMs = -Infinity;
  private requests = 0;
  private tokens = 0;
  /** Sliding only: what was admitted, oldest first from `oldest`. */
  private admitted: { atMs: number; tokens: number }[] = [];
  private oldest = 0;

  constructor(private readonly script: LimitScript) {}

  get areSet(): boolean {
    return this.script.rpm !== null || this.script.tpm !== null || this.script.concurrency !== null;
  }

  /** `inFlight`: calls that run now, without this one. */
  admit(tokens: number, inFlight: number, nowMs: number): Admission {
    const { rpm, tpm, concurrency } = this.script;
    this.roll(nowMs);
    if (concurrency !== null && inFlight >= concurrency) {
      return { admitted: false, limit: 'concurrency', retryAfterMs: CONCURRENCY_RETRY_MS };
    }
    const requestsOver = rpm === null ? 0 : Math.max(0, this.requests + 1 - rpm);
    const tokensOver = tpm === null ? 0 : Math.max(0, this.tokens + tokens - tpm);
    if (requestsOver > 0 || tokensOver > 0) {
      const retryAfterMs = this.freeInMs(nowMs, requestsOver, tokensOver);
      return { admitted: false, limit: requestsOver > 0 ? 'requests' : 'tokens', retryAfterMs };
    }
    if (this.requests === 0) this.openedAtMs = nowMs;
    this.requests += 1;
    this.tokens += tokens;
    if (this.script.window === 'sliding') this.admitted.push({ atMs: nowMs, tokens });
    return { admitted: true };
  }

  /** `unixMs` is the same moment as `nowMs`. */
  state(nowMs: number, unixMs: number): LimitState {
    this.roll(nowMs);
    const resetMs = this.requests === 0 ? 0 : this.freeInMs(nowMs, this.requests, this.tokens);
    const dimension = (limit: number | null, used: number): LimitState['requests'] =>
      limit === null ? null : { limit, remaining: Math.max(0, limit - used), resetMs, resetAtMs: unixMs + resetMs };
    return { requests: dimension(this.script.rpm, this.requests), tokens: dimension(this.script.tpm, this.tokens) };
  }

  private roll(nowMs: number): void {
    const { window, windowMs } = this.script;
    if (window === 'fixed') {
      if (nowMs < this.openedAtMs + windowMs) return;
      this.requests = 0;
      this.tokens = 0;
      return;
    }
    while (this.oldest < this.admitted.length && this.admitted[this.oldest]!.atMs + windowMs <= nowMs) {
      this.requests -= 1;
      this.tokens -= this.admitted[this.oldest]!.tokens;
      this.oldest += 1;
    }
    if (this.oldest > 1_024 && this.oldest * 2 > this.admitted.length) {
      this.admitted = this.admitted.slice(this.oldest);
      this.oldest = 0;
    }
  }

  /** Until so many requests and tokens are given back; at most a window, however large the call. */
  private freeInMs(nowMs: number, requests: number, tokens: number): number {
    const { window, windowMs } = this.script;
    if (this.requests === 0) return windowMs;
    if (window === 'fixed') return this.openedAtMs + windowMs - nowMs;
    let [requestsLeft, tokensLeft] = [requests, tokens];
    let lastMs = nowMs;
    for (let i = this.oldest; i < this.admitted.length && (requestsLeft > 0 || tokensLeft > 0); i++) {
      requestsLeft -= 1;
      tokensLeft -= this.admitted[i]!.tokens;
      lastMs = this.admitted[i]!.atMs;
    }
    return lastMs + windowMs - nowMs;
  }
}
