import { mayServe } from './eligible-deployments.js';
import { fallbackTargets } from './fallback-targets.js';
import { variantOf } from './fallback-variant.js';
import { attemptsUsed, type LeftGroup, type Progress } from './progress.js';
import { consequenceUnder, endsGroup } from './retry-policy.js';
import type { StepContext, TargetGroup } from './step.js';

/** Used attempts, over all groups. */
export const MOST_ATTEMPTS_PER_JOB = 20;

/** Where a job may go when the group it is in cannot serve it. */
export interface Target {
  round: Progress['round'];
  /** As the list names it. */
  name: string;
}

/**
 * The group's own rounds where it names itself, else the next group of the list that still has somebody to ask. The list
 * follows from how the asked group ended; a content filter's refusal in a later group does not go shopping on.
 */
export function nextTarget(progress: Progress, context: StepContext): Target | undefined {
  const asked = progress.route[0]!;
  const { policy } = context;
  const ended = progress.tried.at(-1);
  if (ended !== undefined && consequenceUnder(policy, ended).fallback === 'none') return undefined;
  if (attemptsUsed(progress.tried) >= MOST_ATTEMPTS_PER_JOB) return undefined;
  const mayRepeat = ended === undefined || !endsGroup(policy, ended);
  if (progress.round === 'untried' && mayRepeat) return { round: 'again', name: asked };

  const inAsked = progress.tried.findLast((t) => t.group === asked);
  const cause = ended?.kind === 'content_filter' ? ended : inAsked;
  const isTooLong = cause === undefined && context.groupOf(asked)?.unfit?.reason === 'context_window';
  const unasked = isTooLong ? 'context_window' : 'general';
  const wanted = cause === undefined ? unasked : consequenceUnder(policy, cause).fallback;
  for (const name of fallbackTargets([context.model ?? asked, asked], wanted, policy, context.fallbacks)) {
    if (progress.taken.includes(name)) continue;
    const target = context.groupOf(name);
    if (target === undefined) continue;
    const isVariant = variantOf(name) !== undefined; // another call, even where it goes to the same group
    if (!isVariant && isSame(target, context.groupOf(asked))) {
      if (mayRepeat) return { round: 'untried', name };
      continue;
    }
    if (progress.route.length - 1 >= policy.maxFallbacks) continue;
    if (isVariant) return { round: 'regular', name };
    if (progress.route.some((entered) => isSame(target, context.groupOf(entered)))) continue;
    if (hasSomebodyNew(target, progress)) return { round: 'regular', name };
  }
  return undefined;
}

/** @param left how the group is left, when it is not spent */
export function enter(progress: Progress, target: Target, left: LeftGroup | undefined): Progress {
  const { shutSinceMs: _, ...rest } = progress;
  const asked = progress.route[0]!;
  const isOwn = target.round !== 'regular';
  return {
    ...rest,
    here: isOwn ? asked : target.name,
    round: target.round,
    route: isOwn ? progress.route : [...progress.route, target.name],
    taken: target.round === 'again' ? progress.taken : [...progress.taken, target.name],
    left: leftAfter(progress, left),
    capacityWaits: 0,
    roundFrom: progress.tried.length,
  };
}

/** Back to a group that was only full or shut, for one more regular round of it. */
export function goBack(progress: Progress, to: LeftGroup, left: LeftGroup | undefined): Progress {
  return {
    ...progress,
    here: to.name,
    round: 'regular',
    left: leftAfter(progress, left).filter(({ name }) => name !== to.name),
    roundFrom: progress.tried.length,
  };
}

const leftAfter = ({ left }: Progress, now: LeftGroup | undefined): LeftGroup[] =>
  now === undefined ? left : [...left.filter(({ name }) => name !== now.name), now];

function isSame(a: TargetGroup, b: TargetGroup | undefined): boolean {
  return a.group.name === b?.group.name && a.only?.join() === b.only?.join();
}

/** A deployment that this job has not failed at: none is visited twice for the same failure. */
function hasSomebodyNew({ group, only }: TargetGroup, { tried }: Progress): boolean {
  const failed = new Set(tried.flatMap(({ kind, deployment }) => (kind === 'rate_limit' ? [] : [deployment])));
  return group.deployments.some((d) => mayServe(d, only) && !failed.has(d.id));
}
