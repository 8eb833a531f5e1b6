import type { HeldLease, LimitWord } from './lease.js';

/** What the head of a reply said of the provider's own limits. Times in Unix ms. */
export interface LimitNews {
  readonly requests?: LimitLeft;
  readonly tokens?: LimitLeft;
}

export interface LimitLeft {
  readonly left: number;
  /** Of how many; absent: not said. */
  readonly limit?: number;
  /** When all of it is there again. */
  readonly resetAtMs: number;
}

/** So little left of a limit is worth telling, however few calls are under way. */
const SMALL_SHARE = 0.1;
/** Calls under way as often as they are now may ask at once. */
const ROOM_FOR = 2;

/**
 * What is worth telling the cluster: what is left is small against the limit, or against what is under way. While such a
 * word is in force (`isRationed`), each answer renews it, or lifts it when there is plenty again. `enough`: nothing new.
 * @param limits as configured: where the provider does not say of how many
 */
export function limitWordOf(
  { requests, tokens }: LimitNews,
  lease: Pick<HeldLease, 'tokens' | 'inFlight' | 'isRationed'>,
  limits: { readonly rpm: number | undefined; readonly tpm: number | undefined },
  nowMs: number,
): LimitWord | 'plenty' | 'enough' {
  const many = ROOM_FOR * lease.inFlight;
  const fewRequests = isFew(requests, limits.rpm, many, nowMs);
  const fewTokens = isFew(tokens, limits.tpm, many * lease.tokens, nowMs);
  if (!fewRequests && !fewTokens) return lease.isRationed ? 'plenty' : 'enough';
  return {
    ...(fewRequests && { requests: { left: requests!.left, untilMs: requests!.resetAtMs } }),
    ...(fewTokens && { tokens: { left: tokens!.left, untilMs: tokens!.resetAtMs } }),
  };
}

function isFew(said: LimitLeft | undefined, configured: number | undefined, many: number, nowMs: number): boolean {
  if (said === undefined || said.resetAtMs <= nowMs) return false;
  return said.left <= Math.max(many, SMALL_SHARE * (said.limit ?? configured ?? 0));
}
