/** Steps at which a test may make a process fail (`SLUICE_FAILPOINTS`, read only under NODE_ENV=test). */
export const FAILPOINTS = ['begin.fenced', 'attempt.sent', 'relay.token', 'finish.recorded'] as const;
export type Failpoint = (typeof FAILPOINTS)[number];

/** `block`: the event loop stands still. @param at which time it is reached that counts; later ones pass */
export type FailAction =
  | { kind: 'kill' | 'throw'; at: number }
  /** Each time. */
  | { kind: 'delay' | 'block'; ms: number };

/**
 * `finish.recorded=kill@3,relay.token=delay:50`.
 * @returns undefined when a part is neither
 */
export function readFailpoints(text: string): ReadonlyMap<Failpoint, FailAction> | undefined {
  const found = new Map<Failpoint, FailAction>();
  for (const part of text.split(',')) {
    const [, name, kind, at, timed, ms] = /^([\w.]+)=(?:(kill|throw)(?:@(\d+))?|(delay|block):(\d+))$/.exec(part) ?? [];
    if (!FAILPOINTS.includes(name as Failpoint)) return undefined;
    found.set(
      name as Failpoint,
      timed === undefined
        ? { kind: kind as 'kill' | 'throw', at: Number(at ?? 1) }
        : { kind: timed as 'delay' | 'block', ms: Number(ms) },
    );
  }
  return found;
}
