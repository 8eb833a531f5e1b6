import type { Deployment, ModelGroup } from '../deployment.js';
import type { Choice } from './choice.js';
import type { Considered } from './considered.js';
import { orderCandidates } from './order-candidates.js';

const DRAWS = 1_000;

/**
 * What a group's strategy makes of those that could serve now, without asking anybody: the order decided a thousand times,
 * since chance has a part in it. The one that comes first most often is `chosen`.
 * @param free eligible for this call, with room
 */
export function explainChoice(
  group: ModelGroup,
  free: readonly Deployment[],
  choice: Choice,
  random: () => number,
): Considered[] {
  const lowest = Math.min(...free.map(({ order }) => order));
  const firsts = new Map<string, number>();
  let last = orderCandidates(group, free, choice, random);
  for (let i = 0; i < DRAWS && last.length > 0; i++) {
    const { id } = last[0]!.deployment;
    firsts.set(id, (firsts.get(id) ?? 0) + 1);
    last = orderCandidates(group, free, choice, random);
  }
  const most = Math.max(...firsts.values());
  const chosen = free.find(({ id }) => firsts.get(id) === most)?.id;
  return free.map(({ id, order }): Considered => {
    const share = (firsts.get(id) ?? 0) / DRAWS;
    const measure = last.find(({ deployment }) => deployment.id === id)!.measure;
    const about = { deployment: id, share, measure };
    if (id === chosen) return { ...about, verdict: 'chosen' };
    if (share > 0) return { ...about, verdict: 'eligible' };
    const isLater = order > lowest && group.entries === undefined;
    return { ...about, verdict: 'skipped', reason: isLater ? 'lower_order' : 'not_picked' };
  });
}
