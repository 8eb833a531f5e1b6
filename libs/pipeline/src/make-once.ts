import { REMEMBERED_MS } from '@sluice/core';
import type { KeyClaims } from '@sluice/state';
import type { ApiError } from '@sluice/wire';
import { GONE, IN_PROGRESS, KEY_REUSED, type KeyedCall } from './claim-job.js';

/** Making something takes less; longer, and its maker is taken for dead. */
const BUSY_MS = 30_000;

export type Made<Thing> =
  | { kind: 'made'; thing: Thing }
  /** An earlier call made it. */
  | { kind: 'found'; thing: Thing }
  | { kind: 'refused'; error: ApiError };

export interface Making<Thing> {
  newId: () => string;
  /** Under the id of the call that came first, which may have died. @returns or the refusal */
  make: (id: string) => Promise<{ thing: Thing } | { refused: ApiError }>;
  /** Undefined: it is not there any more. */
  find: (id: string) => Promise<Thing | undefined>;
}

/**
 * Makes a file, a batch or the like, which is no job: once for each Idempotency-Key. As with jobs the key fixes the id first
 * (libs/core/src/idempotency/claim.ts), but one call makes it, and others are told to come back.
 * @param same absent: the call has no key
 * @throws what `make` throws: then nobody knows whether it is there, and the next call makes it under the same id
 */
export async function makeOnce<Thing>(
  same: KeyedCall | undefined,
  { newId, make, find }: Making<Thing>,
  { claims }: { claims: Pick<KeyClaims, 'claim' | 'settle'> },
): Promise<Made<Thing>> {
  if (same === undefined) {
    const made = await make(newId());
    return 'refused' in made ? { kind: 'refused', error: made.refused } : { kind: 'made', thing: made.thing };
  }
  const { scope, fingerprint } = same;
  const ask = { fingerprint, id: newId(), group: '', keptMs: REMEMBERED_MS, busyMs: BUSY_MS };
  const claim = await claims.claim(scope, ask);
  switch (claim.kind) {
    case 'reused':
      return { kind: 'refused', error: KEY_REUSED };
    case 'busy':
      return { kind: 'refused', error: IN_PROGRESS };
    case 'theirs': {
      const thing = await find(claim.id);
      return thing === undefined ? { kind: 'refused', error: GONE } : { kind: 'found', thing };
    }
    case 'mine': {
      const settle = (how: 'done' | 'refused' | 'unknown'): Promise<void> =>
        claims.settle(scope, claim.id, how).catch(() => undefined); // then its lease runs out
      const unknown = async (error: unknown): Promise<never> => {
        await settle('unknown');
        throw error;
      };
      const thing = claim.id === ask.id ? undefined : await find(claim.id).catch(unknown); // its maker died: before, or after it was made
      if (thing !== undefined) {
        await settle('done');
        return { kind: 'found', thing };
      }
      const made = await make(claim.id).catch(unknown);
      await settle('refused' in made ? 'refused' : 'done');
      return 'refused' in made ? { kind: 'refused', error: made.refused } : { kind: 'made', thing: made.thing };
    }
  }
}
