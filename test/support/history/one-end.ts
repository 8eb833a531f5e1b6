import type { Accepted, Ended, Entry } from './entry.js';
import { entriesThat } from './entries-that.js';

/**
 * I1: every accepted job reaches exactly one terminal state, and what a caller saw of it never changes.
 * I2: what was accepted is not lost.
 * I3: no caller sees two outcomes.
 */
export function* endsThatBreak(log: readonly Entry[]): Generator<string> {
  const of = entriesThat(log);
  const ends = Map.groupBy(of('ended'), ({ job }) => job);
  for (const [job, seen] of ends) {
    for (const [what, values] of sayingsOf(seen)) {
      if (values.size > 1) yield `I1 I3 ${job} has more than one ${what}: ${[...values].join(' | ').slice(0, 300)}`;
    }
  }
  for (const { job, state, askedAtMs } of of('looked')) {
    const before = ends.get(job)?.find(({ atMs }) => atMs < askedAtMs);
    if (before !== undefined)
      yield `I1 ${job} was seen ${before.state} and is ${state} ${askedAtMs - before.atMs} ms later`;
  }
  yield* lostJobs(log, ends);
  yield* keysWithTwoJobs(log, ends);
}

/** What was said of a job's end, by those who say it. An answer that is an error says its code and not the state. */
function sayingsOf(seen: readonly Ended[]): [string, Set<string>][] {
  const all = (values: (string | undefined)[]): Set<string> => new Set(values.filter((value) => value !== undefined));
  return [
    ['outcome', all(seen.map(({ state }) => (state === 'completed' ? 'an answer' : 'an error')))],
    ['state', all(seen.map(({ state }) => (state === 'error' ? undefined : state)))],
    ['text', all(seen.map(({ state, said }) => (state === 'completed' ? said : undefined)))],
    ['code', all(seen.map(({ state, said }) => (state === 'completed' ? undefined : said)))],
    ['result', all(seen.map(({ digest }) => digest))],
    ['account', all(seen.map(({ account }) => account))],
  ];
}

/** A plain call's record goes a minute after its last follower: later nobody can say. */
const KEPT_MS = 50_000;

function* lostJobs(log: readonly Entry[], ends: ReadonlyMap<string, Ended[]>): Generator<string> {
  const of = entriesThat(log);
  const accepted = new Map<string, Accepted>();
  for (const entry of of('accepted')) accepted.set(entry.job, accepted.get(entry.job) ?? entry);
  const erased = new Set(of('erased').map(({ job }) => job));
  const gone = new Map(of('gone').map(({ job, atMs }) => [job, atMs]));
  for (const [job, { isDurable, atMs }] of accepted) {
    if (ends.has(job) || erased.has(job)) continue;
    const goneAtMs = gone.get(job);
    if (goneAtMs === undefined) yield `I2 ${job} was accepted and has no end`;
    else if (isDurable || goneAtMs - atMs < KEPT_MS) yield `I2 ${job} was accepted and is gone`;
  }
}

/** The same key and body are the same job, unless that one had ended without an answer: then it may be tried anew. */
function* keysWithTwoJobs(log: readonly Entry[], ends: ReadonlyMap<string, Ended[]>): Generator<string> {
  for (const [, calls] of Map.groupBy(entriesThat(log)('keyed'), ({ key, fingerprint }) => `${key} ${fingerprint}`)) {
    const jobs = [...new Set(calls.map(({ job }) => job))];
    for (const job of jobs.slice(0, -1)) {
      const hasFailed = ends.get(job)?.some(({ state }) => state !== 'completed') ?? false;
      if (!hasFailed) yield `I1 one Idempotency-Key has the jobs ${jobs.join(' and ')}`;
    }
  }
}
