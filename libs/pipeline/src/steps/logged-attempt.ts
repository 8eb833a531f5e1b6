import { consequenceOf, consideredOf, costUsdNanos, modelOf, type Considered } from '@sluice/core';
import type { Usage } from '@sluice/providers';
import type { Attempt as LoggedAttempt } from '@sluice/wire';
import type { AttemptEnd } from '../attempt-log.js';
import type { Run, RunDeps } from '../run-deps.js';
import type { Attempt } from './attempt.js';
import type { Dispatched } from './dispatch.js';
import { sentenceOf } from './failure-outcome.js';

type Asked = Pick<Dispatched, 'deployment' | 'candidates' | 'refusals'>;

/** Counts an attempt; one of a durable job is kept and told. Returns its number over all runs of the job, 1 for the first. */
export function beginAttempt(run: Run, { deployment, candidates, refusals }: Asked, deps: RunDeps): number {
  run.attempts++;
  if (run.log === undefined) return run.attempts;
  const considered = consideredOf(candidates, deployment.id, refusals).map(shown);
  const of = { deployment: deployment.id, provider: deployment.provider, model: modelOf(deployment), considered };
  return run.log.start(of, deps.nowMs());
}

/** Does nothing for a job that is not durable. */
export function endAttempt(run: Run, number: number, { deployment }: Asked, attempt: Attempt, deps: RunDeps): void {
  const { log, job, stop } = run;
  if (log === undefined) return;
  const nowMs = deps.nowMs();
  const { firstContentMs, durationMs, usage } = attempt;
  if (firstContentMs !== undefined) log.firstContent(job.acceptedAtMs, nowMs - durationMs + firstContentMs);
  const end: AttemptEnd = {
    ...howItEnded(attempt, stop),
    ...(firstContentMs === undefined ? {} : { ttftMs: firstContentMs }),
    ...(usage === undefined ? {} : spent(usage, deployment)),
  };
  log.end(number, end, nowMs);
}

/** Another one was quicker; what was asked for is paid all the same. */
export function endLoser(run: Run, number: number, { deployment }: Asked, usage: Usage, deps: RunDeps): void {
  run.log?.end(number, { outcome: 'cancelled', ...spent(usage, deployment) }, deps.nowMs());
}

function howItEnded(attempt: Attempt, stop: AbortSignal): Pick<AttemptEnd, 'outcome' | 'error' | 'requestId'> {
  if (attempt.kind === 'answered') return { outcome: 'succeeded', ...requestIdOf(attempt.requestId) };
  const { failure } = attempt;
  if (failure.kind === 'cancelled' || failure.kind === 'client_gone') {
    return { outcome: stop.aborted && stop.reason !== 'cancelled' ? 'handed_back' : 'cancelled' };
  }
  const { kind, status } = failure;
  const error = { kind, code: consequenceOf(failure).code, message: sentenceOf(failure), http_status: status ?? null };
  return { outcome: 'failed', error, ...requestIdOf(failure.requestId) };
}

const requestIdOf = (requestId: string | undefined): Pick<AttemptEnd, 'requestId'> =>
  requestId === undefined ? {} : { requestId };

const spent = (usage: Usage, { prices }: Dispatched['deployment']): Pick<AttemptEnd, 'usage' | 'costUsd'> => ({
  usage,
  ...(prices === undefined ? {} : { costUsd: costUsdNanos(prices, usage) / 1e9 }),
});

const shown = ({ deployment, verdict, reason, untilMs }: Considered): LoggedAttempt['considered'][number] => ({
  deployment,
  verdict,
  reason: reason ?? null,
  until: untilMs === undefined ? null : Math.ceil(untilMs / 1_000),
});
