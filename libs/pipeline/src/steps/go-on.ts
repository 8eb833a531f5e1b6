import { mayGoOn, rescueOf } from '@sluice/core';
import type { Usage } from '@sluice/providers';
import { addDelivered, nothingDelivered, readPayload, type Served } from '@sluice/wire';
import type { Run, RunDeps } from '../run-deps.js';

/**
 * Content of this job is out and its answer broke off. Reads from the job's stream what callers have, whoever sent it, this run
 * or one whose worker was lost, and says whether another attempt may go on with it. Until here a stream has cost nothing.
 * @param usage what the broken attempt cost, where its provider said
 */
export async function goOn(
  run: Run,
  usage: Usage | undefined,
  deps: RunDeps,
): Promise<'go' | 'ends' | 'stale' | 'cancelled'> {
  const verdict = await run.relay.flush();
  if (verdict !== 'go') return verdict;
  const { job, call } = run;
  if (rescueOf(deps.policy, job.group).midstream === 'error') return 'ends';

  const delivered = nothingDelivered();
  let first: Served | undefined;
  await deps.frames.replay(job.group, job.jobId, ({ kind, payload }) => {
    if (kind === 'events') addDelivered(delivered, payload.toString());
    if (kind !== 'head') return;
    const { line, rest } = readPayload<Served>(payload);
    first ??= line;
    addDelivered(delivered, rest.toString());
  });
  const defaults = deps.models.deployments.get(first?.deployment ?? '')?.target.defaults;
  if (!mayGoOn({ ...defaults, ...call.body }, delivered)) return 'ends';

  const chars = delivered.text.length + delivered.reasoning.length;
  const share = usage ?? deps.providers.estimate(call, chars - (run.billed?.chars ?? 0));
  run.billed = { ...sumOf(run.billed, share), firstPrompt: run.billed?.firstPrompt ?? share.prompt, chars };
  run.delivered = delivered;
  return 'go';
}

export function sumOf(before: Usage | undefined, last: Usage): Usage {
  if (before === undefined) return last;
  return {
    prompt: before.prompt + last.prompt,
    completion: before.completion + last.completion,
    cached: before.cached + last.cached,
    cacheWrite: before.cacheWrite + last.cacheWrite,
    reasoning: before.reasoning + last.reasoning,
    estimated: before.estimated || last.estimated,
  };
}
