import { mayGoOn } from '@sluice/core';
import type { Usage } from '@sluice/providers';
import { addDelivered, lifeEventsOf, nothingDelivered, readPayload, type Served } from '@sluice/wire';
import type { Run, RunDeps } from '../run-deps.js';
import { midstreamOf } from './midstream-of.js';

/**
 * Content of this job is out and its answer broke off. Reads from the job's stream what callers have, whoever sent it, this run
 * or one whose worker was lost, and says whether another attempt may go on with it, or (`restart`) give it anew. Until here a stream has cost nothing.
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
  const midstream = midstreamOf(run, deps);
  if (midstream === 'error') return 'ends';

  let delivered = nothingDelivered();
  let first: Served | undefined;
  let said = 0;
  await deps.frames.replay(job.group, job.jobId, ({ kind, payload, attempt = 0 }) => {
    if (kind === 'events' || kind === 'head') said = attempt;
    if (kind === 'events') addDelivered(delivered, payload.toString());
    if (kind === 'life' && lifeEventsOf(payload).some(({ type }) => type === 'job.output_reset')) {
      delivered = nothingDelivered();
      first = undefined;
    }
    if (kind !== 'head') return;
    const { line, rest } = readPayload<Served>(payload);
    first ??= line;
    addDelivered(delivered, rest.toString());
  });
  const defaults = deps.models.deployments.get(first?.deployment ?? '')?.target.defaults;
  if (midstream === 'continue' && !mayGoOn({ ...defaults, ...call.body }, delivered)) return 'ends';

  const chars = delivered.text.length + delivered.reasoning.length;
  const share = usage ?? deps.providers.estimate(call, chars - (run.billed?.chars ?? 0));
  const firstPrompt = run.billed?.firstPrompt ?? share.prompt;
  if (midstream === 'restart') {
    run.billed = { ...sumOf(run.billed, share), firstPrompt, chars: 0 };
    run.log?.resetOutput(said, deps.nowMs());
    run.isCommitted = false; // nobody holds anything that another answer could contradict
    return 'go';
  }
  run.billed = { ...sumOf(run.billed, share), firstPrompt, chars };
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
