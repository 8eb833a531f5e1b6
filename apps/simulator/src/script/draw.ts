import type { LatencyScript } from './script.js';

/** Numbers 0 ≤ x < 1 that follow from the seed (mulberry32: small, fast, even enough for latencies and dice). */
export function seededDice(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** FNV-1a over UTF-16 units: 32 bits, for seeds. */
export function hashText(hash: number, text: string, from = 0, to = text.length): number {
  let mixed = hash;
  for (let i = from; i < to; i++) mixed = Math.imul(mixed ^ text.charCodeAt(i), 0x01000193);
  return mixed >>> 0;
}
export const HASH_START = 0x811c9dc5;

const Z95 = 1.6448536269514722;
const Z99 = 2.3263478740408408;

/**
 * Time to the first token, ms: lognormal through the given percentiles. p50 alone is a constant; with p95 and p99 the
 * curve bends at p95, so that both are met. `dice` is thrown twice, or not at all for a constant.
 */
export function drawLatencyMs({ p50, p95, p99 }: LatencyScript, dice: () => number): number {
  if (p50 === null || p50 === 0) return 0;
  if (p95 === null && p99 === null) return p50;
  const z = normal(dice(), dice());
  const slope = p95 === null ? Math.log(p99! / p50) / Z99 : Math.log(p95 / p50) / Z95;
  if (p95 === null || p99 === null || z <= Z95) return p50 * Math.exp(slope * z);
  return p95 * Math.exp((Math.log(p99 / p95) / (Z99 - Z95)) * (z - Z95));
}

/** Box–Muller. `1 - a` keeps the logarithm finite. */
const normal = (a: number, b: number): number => Math.sqrt(-2 * Math.log(1 - a)) * Math.cos(2 * Math.PI * b);
