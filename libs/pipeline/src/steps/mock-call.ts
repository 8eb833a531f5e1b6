import { afterTry } from '@sluice/core';
import type { Run, RunDeps } from '../run-deps.js';
import type { Attempt } from './attempt.js';
import { openAttempt } from './open-attempt.js';

/**
 * Plays what `mock_response`, `mock_timeout` and the `mock_testing_…` members of a body ask for, in place of the asked group:
 * no lease, no provider, nothing counted. A failure is the group's, so that its fallbacks are asked next.
 * @returns undefined when nothing is to be played, or it was played by an earlier run
 */
export async function mockCall(run: Run, deps: RunDeps): Promise<Attempt | undefined> {
  const { mock, group } = run.job;
  if (mock === undefined || run.progress.tried.length > 0 || run.isCommitted) return undefined;
  const [any] = deps.models.groups.get(group)?.deployments ?? [];
  if (any === undefined) return undefined;
  await run.earlyLease?.close(); // nobody is asked meanwhile
  const deployment = { ...any, id: 'mock', target: { ...any.target, baseUrl: '', mock } };
  const { progress } = run;
  const whom = {
    deployment,
    group,
    target: group,
    progress,
    candidates: [],
    refusals: [],
    othersCanServe: () => false,
  };
  const attempt = await openAttempt(run, whom, deps).finish();
  if (attempt.kind === 'failed' && !run.stop.aborted) {
    const { kind, message } = attempt.failure;
    const used = kind !== 'rate_limit';
    const tried = { group, deployment: deployment.id, kind, message, atMs: deps.nowMs(), used, isMock: true } as const;
    run.progress = afterTry(run.progress, tried);
  }
  return attempt;
}
