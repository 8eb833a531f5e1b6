/**
 * What a caller's `Idempotency-Key` stands for: one job, or one other object, that is made once whoever asks for it.
 *
 *     (none) ──claim──► claimed ──settle: done──────────────────────► done
 *        ▲                 │ settle: refused, by the last maker          │
 *        └─────────────────┴───────── claim again, in place of it ◄──────┘  (its outcome lets the call be made anew)
 *
 * The claim has a key and slot of its own, since a second body may name another group, so it cannot be one script with the
 * job. It fixes id and group first; accepting a job twice under one id makes it once. Hence:
 *
 * - Whoever meets a claim of a job that is not there makes the job. Nobody waits for the one who came first: he may be dead.
 * - All of them are makers until they have settled. Refused makers take the claim away only when they were the last, and
 *   nobody was accepted: else a third caller would claim another id beside a job that is running.
 * - A maker that dies, or does not know whether Redis took the job, never settles: the claim stays, and the next one who
 *   meets it finds the job or makes it.
 *
 * Other objects (a file, a batch) have one maker at a time, with a lease: who comes meanwhile is told to come back. When the
 * lease runs out its maker is gone, and the next one makes the object under the same id.
 */
export interface Claim {
  /** SHA-256 of the canonical body. */
  fingerprint: string;
  id: string;
  /** Of the job; '': it is no job. */
  group: string;
  atMs: number;
  /** Those who claimed or met it before it was done, and have not settled. */
  makers: number;
  isDone: boolean;
  /** The lease of the one maker, Unix ms; 0: a job, or none. */
  busyUntilMs: number;
  expiresAtMs: number;
}

export interface ClaimAsk {
  fingerprint: string;
  /** Taken when nobody has claimed. */
  id: string;
  group: string;
  keptMs: number;
  /** An id whose claim this one takes the place of; absent: none. */
  insteadOf?: string;
  /** Lease of the one maker; absent: a job. */
  busyMs?: number;
}

export type ClaimReply =
  /** To be made by who asks, and settled. */
  | { kind: 'mine'; id: string; group: string }
  /** Unless it is done: may have to be made by who asks, and is to be settled. */
  | { kind: 'theirs'; id: string; group: string; ageMs: number; isDone: boolean }
  /** The key was used with another body. */
  | { kind: 'reused' }
  | { kind: 'busy'; forMs: number };

/** By key, as Redis holds them. */
export type Claims = Map<string, Claim>;

/** The twin of `claim-key.lua`. */
export function claimKey(claims: Claims, key: string, ask: ClaimAsk, nowMs: number): ClaimReply {
  const { fingerprint, id, group, keptMs, insteadOf, busyMs = 0 } = ask;
  const claim = claimAt(claims, key, nowMs);
  if (claim !== undefined && claim.id !== insteadOf) {
    if (claim.fingerprint !== fingerprint) return { kind: 'reused' };
    if (!claim.isDone && busyMs > 0) {
      if (claim.busyUntilMs > nowMs) return { kind: 'busy', forMs: claim.busyUntilMs - nowMs };
      claim.busyUntilMs = nowMs + busyMs;
      return { kind: 'mine', id: claim.id, group: claim.group };
    }
    if (!claim.isDone) claim.makers++;
    return { kind: 'theirs', id: claim.id, group: claim.group, ageMs: nowMs - claim.atMs, isDone: claim.isDone };
  }
  const busyUntilMs = busyMs > 0 ? nowMs + busyMs : 0;
  const fresh = { fingerprint, id, group, atMs: nowMs, makers: 1, isDone: false, busyUntilMs };
  claims.set(key, { ...fresh, expiresAtMs: nowMs + keptMs });
  return { kind: 'mine', id, group };
}

/** `unknown`: its one maker gives up, and another makes it under the same id. */
export type SettledHow = 'done' | 'refused' | 'unknown';

/** A maker says what became of it. The twin of `settle-claim.lua`. */
export function settleClaim(
  claims: Claims,
  key: string,
  { id, how }: { id: string; how: SettledHow },
  nowMs: number,
): void {
  const claim = claimAt(claims, key, nowMs);
  if (claim?.id !== id || claim.isDone) return;
  if (how === 'done') claim.isDone = true;
  else if (how === 'unknown') claim.busyUntilMs = 0;
  else if (--claim.makers <= 0) claims.delete(key);
}

function claimAt(claims: Claims, key: string, nowMs: number): Claim | undefined {
  const claim = claims.get(key);
  if (claim === undefined || claim.expiresAtMs > nowMs) return claim;
  claims.delete(key);
  return undefined;
}
