import type { Entry } from './entry.js';

/** Picks the entries of a kind. */
export const entriesThat =
  (log: readonly Entry[]) =>
  <W extends Entry['what']>(what: W): (Entry & { what: W })[] =>
    log.filter((entry): entry is Entry & { what: W } => entry.what === what);
