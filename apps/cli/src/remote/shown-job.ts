import type { Attempt, JobView } from '@sluice/wire';
import { durationOf, sheet, table, timeOf } from './table.js';

export function jobTable(jobs: readonly JobView[]): string {
  const isRetried = jobs.some((job) => job.retried_as !== null); // mostly none is: no column then
  return table(
    ['ID', 'STATUS', 'MODEL', 'PRIORITY', 'ATTEMPTS', 'CREATED', 'TOOK', 'ERROR', ...(isRetried ? ['RETRIED AS'] : [])],
    jobs.map((job) => [
      job.id,
      statusOf(job),
      job.model,
      job.priority,
      job.attempts,
      timeOf(job.created_at),
      durationOf(job.timings['total_ms']),
      job.error?.code,
      ...(isRetried ? [job.retried_as] : []),
    ]),
  );
}

const statusOf = ({ status, cancelling }: JobView): string => (cancelling ? 'cancelling' : status);

export const jobSheet = (job: JobView): string =>
  sheet([
    ['id', job.id],
    ['status', statusOf(job)],
    ['model', job.model],
    ['endpoint', job.endpoint],
    ['priority', job.priority],
    ['place in line', job.queue_position],
    ['likely start', job.eta_ms === null ? undefined : `in ${durationOf(job.eta_ms)}`],
    ['not before', timeOf(job.not_before)],
    ['created', timeOf(job.created_at)],
    ['started', timeOf(job.started_at)],
    ['finished', timeOf(job.finished_at)],
    ['took', durationOf(job.timings['total_ms'])],
    ['deployment', job.deployment],
    ['attempts', job.attempts],
    ['tokens', job.usage && `${job.usage.input_tokens} in, ${job.usage.output_tokens} out`],
    ['cost', job.cost_usd === null ? undefined : `$${job.cost_usd}`],
    ['batch', job.batch_id],
    ['retry of', job.retried_from],
    ['retried as', job.retried_as],
    ...Object.entries(job.metadata).map(([name, value]) => [`metadata ${name}`, value] as const),
    ['error', job.error && `${job.error.code}: ${job.error.message}`],
    ['output so far', job.output_so_far],
  ]);

export const attemptTable = (attempts: readonly Attempt[]): string =>
  table(
    ['#', 'DEPLOYMENT', 'OUTCOME', 'FIRST TOKEN', 'WHY'],
    attempts.map(({ number, deployment, outcome, ttft_ms: ttftMs, error }) => [
      number,
      deployment,
      outcome ?? 'running',
      durationOf(ttftMs),
      error && `${error.kind}${error.http_status === null ? '' : ` ${error.http_status}`}: ${error.message}`,
    ]),
  );
