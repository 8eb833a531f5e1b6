import { setTimeout as pause } from 'node:timers/promises';
import { callOnce } from './caller.mjs';

/** Of the other tenant, in each group: more than its deployment takes at once, so that calls wait in the queue. */
export const LOAD_AT_ONCE = 6;
export const MOST_AT_ONCE = 4;

/**
 * Another tenant, whose calls keep the queue of each group filled until the signal: in the other form than the scenario's
 * own, which the scenario's rules leave alone.
 */
export async function keepLoading({ origins, headers }, groups, signal) {
  const tenant = { ...headers, 'x-sluice-tenant': 'other-tenant' };
  const one = async ({ name, form }, n) => {
    while (!signal.aborted) {
      const origin = origins[n % origins.length];
      const { status } = await callOnce({ origin, headers: tenant, group: name, isStream: form !== 'stream' });
      if (status !== 200) await pause(1_000); // what its calls get is not judged, but they must not make a storm
    }
  };
  await Promise.all(groups.flatMap((group) => Array.from({ length: LOAD_AT_ONCE }, (_, n) => one(group, n))));
}
