import type { Deployment, LatencyStrategy } from '../../deployment.js';
import type { Choice, Ranked, Seen } from '../choice.js';
import { weightedShuffle, type Draw } from './simple-shuffle.js';

/** Share of the calls that try those of which nothing is known, so that a new deployment gets its first sample. */
const EXPLORES = 0.05;

/**
 * The fastest first: by the mean of the last samples, time to first token for streams and time per output token otherwise.
 * Those within `lowest × (1 + buffer)` are equal and shuffled, the slower come after them in their order, the unknown last,
 * but in one of twenty calls first. A session stays where it is for as long as that is about as fast. Source: LITELLM.md 4.
 */
export function latencyBased(
  deployments: readonly Deployment[],
  { buffer }: Pick<LatencyStrategy, 'buffer'>,
  choice: Pick<Choice, 'stream' | 'seen' | 'stickTo'>,
  draw: Draw,
  random: () => number,
): Ranked[] {
  const by = choice.stream ? 'first_token_ms' : 'ms_per_token';
  const means = new Map(deployments.map((d) => [d, meanOf(choice.seen(d.id), choice.stream)]));
  const ranked = shuffled(deployments, means, draw, choice.stickTo !== undefined).map((deployment): Ranked => {
    const mean = means.get(deployment);
    return { deployment, measure: mean === undefined ? { by } : { by, value: mean } };
  });
  const sampled = ranked.filter(({ measure }) => measure.value !== undefined);
  if (choice.stickTo !== undefined || sampled.length === 0) return ranked;
  const unsampled = ranked.filter(({ measure }) => measure.value === undefined);
  const lowest = Math.min(...sampled.map(({ measure }) => measure.value!));
  const fast = sampled.filter(({ measure }) => measure.value! <= lowest * (1 + buffer));
  const slow = sampled.filter((r) => !fast.includes(r)).sort((a, b) => a.measure.value! - b.measure.value!);
  const explores = unsampled.length > 0 && random() < EXPLORES;
  return explores ? [...unsampled, ...fast, ...slow] : [...fast, ...slow, ...unsampled];
}

/** Sessions are dealt out by speed: twice as fast, four times as many, and few move when a mean does. */
function shuffled(
  deployments: readonly Deployment[],
  means: ReadonlyMap<Deployment, number | undefined>,
  draw: Draw,
  isSticky: boolean,
): Deployment[] {
  const known = [...means.values()].filter((mean) => mean !== undefined);
  const lowest = Math.max(1e-6, Math.min(...known));
  const weights = deployments.map((d) =>
    isSticky && known.length > 0 ? (lowest / Math.max(lowest, means.get(d) ?? lowest)) ** 2 : 1,
  );
  return weightedShuffle(deployments, weights, draw);
}

function meanOf(seen: Seen | undefined, stream: boolean): number | undefined {
  const samples = (stream ? seen?.firstTokenMs : seen?.msPerToken) ?? [];
  return samples.length === 0 ? undefined : samples.reduce((sum, ms) => sum + ms, 0) / samples.length;
}
