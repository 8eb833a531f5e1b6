/** Steps at which a test may end a process (`SLUICE_FAILPOINTS`, read only under NODE_ENV=test). */
export const FAILPOINTS = ['finish.recorded'] as const;
export type Failpoint = (typeof FAILPOINTS)[number];

/** By failpoint: at which time that it is reached the process is killed. */
export type Failpoints = ReadonlyMap<Failpoint, number>;

/**
 * `finish.recorded=kill@3`, several with commas; without `@` the first time.
 * @returns undefined when a part is none
 */
export function readFailpoints(text: string): Failpoints | undefined {
  const found = new Map<Failpoint, number>();
  for (const part of text.split(',')) {
    const [, name, at = '1'] = /^([\w.]+)=kill(?:@(\d+))?$/.exec(part) ?? [];
    if (!FAILPOINTS.includes(name as Failpoint)) return undefined;
    found.set(name as Failpoint, Number(at));
  }
  return found;
}
