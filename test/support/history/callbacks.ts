import type { Entry } from './entry.js';
import { entriesThat } from './entries-that.js';

/**
 * I1 for callbacks: the id of a webhook is the same on each try, a job has one terminal event, and it says how the job ended.
 * I2: a job that is over has called back.
 */
export function* callbacksThatBreak(log: readonly Entry[]): Generator<string> {
  const of = entriesThat(log);
  const tried = of('tried');
  for (const { webhookId, eventId, isSigned, url } of tried) {
    if (webhookId !== eventId) yield `I1 the webhook-id ${webhookId} is not that of its event, ${eventId}`;
    if (isSigned === false) yield `I1 the webhook ${webhookId} to ${url} has a signature that is not right`;
  }
  const ends = Map.groupBy(of('ended'), ({ job }) => job);
  const ofJobs = tried.filter(({ type }) => /^job\.(completed|failed|cancelled|expired)$/.test(type));
  for (const [, tries] of Map.groupBy(ofJobs, ({ job, url }) => `${job} ${url}`)) {
    const [{ job }] = tries as [(typeof tries)[0]];
    const ids = new Set(tries.map(({ webhookId }) => webhookId));
    const types = new Set(tries.map(({ type }) => type));
    if (ids.size > 1) yield `I1 ${job} calls back under more than one id: ${[...ids].join(' | ')}`;
    if (types.size > 1) yield `I1 ${job} calls back with more than one end: ${[...types].join(' | ')}`;
    for (const { state } of ends.get(job) ?? []) {
      if (state !== 'error' && !types.has(`job.${state}`))
        yield `I1 ${job} is ${state} and calls back ${[...types].join(' | ')}`;
    }
  }
  for (const { job, hook } of of('accepted')) {
    if (hook === undefined || hook.isFiltered || !ends.has(job)) continue;
    if (!ofJobs.some((one) => one.job === job && one.url === hook.url))
      yield `I2 ${job} is over and has not called back`;
  }
}
