import { variantOf } from '@sluice/core';
import type { Call } from '@sluice/providers';
import type { Run, RunDeps } from '../run-deps.js';

/**
 * The call as a target of the job is asked: as the caller sent it, or, for a fallback that brings a body of its own
 * (`fallbacks: [{"model": "m", "messages": […]}]`), with the members that it names.
 * @param target as the job's progress names it: a group, a deployment's id, a variant
 */
export function callOfTarget(
  { call }: Pick<Run, 'call'>,
  target: string,
  { providers }: { providers: Pick<RunDeps['providers'], 'withMembers'> },
): Call {
  const variant = variantOf(target);
  if (variant === undefined) return call;
  const fallbacks = call.body['fallbacks'] as Readonly<Record<string, unknown>>[]; // the api has looked at it
  const { model: _, ...members } = fallbacks[variant.entry]!;
  return providers.withMembers(call, members);
}
