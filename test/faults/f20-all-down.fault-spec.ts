import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../eventually.js';
import { callOnce, Cluster, type Outcome } from '../support/cluster.js';
import { isFullSize, sizeOf, tell } from '../support/full-size.js';
import { mostIn } from '../support/most-in.js';
import { nativeJobs } from '../support/native-jobs.js';

const DOWN_MS = sizeOf(14_000, 600_000);
const JOBS = 20;
const CALL_EVERY_MS = 100;
const PROFILES = ['a', 'b'];

describe('all deployments of a group are down (F20)', () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await new Cluster().start(PROFILES.map((profile) => ({ profile })));
  });
  afterAll(() => cluster?.stop());

  it(
    'calls get 503 after 10 s, jobs wait, each deployment is probed once a second at most, and 5 s after its return all is well',
    async () => {
      const { simulator } = cluster;
      const api = await cluster.api();
      await Promise.all([cluster.worker(), cluster.worker()]);
      for (const profile of PROFILES) simulator.setProfile(profile, { rules: [{ do: { kind: 'server' } }] });

      const startedAt = Date.now();
      const calls: { atMs: number; outcome: Promise<Outcome> }[] = [];
      const callUntil = (done: () => boolean, what: string, withinMs: number): Promise<void> =>
        eventually(
          () => {
            const due = startedAt + calls.length * CALL_EVERY_MS;
            if (Date.now() >= due) {
              calls.push({ atMs: Date.now(), outcome: callOnce(api.origin, `d${calls.length}`) });
            }
            return done();
          },
          { withinMs, what },
        );
      const jobs = nativeJobs({ url: api.origin, group: cluster.group });
      // Tries to spare: a job may use up three before all of both workers' breakers are open, and has failed then.
      const submitted = await Promise.all(Array.from({ length: JOBS }, () => jobs.submit({}, { num_retries: 19 })));
      await callUntil(() => Date.now() > startedAt + DOWN_MS, 'the outage', DOWN_MS + 5_000);
      const probes = PROFILES.map((profile) => simulator.requests({ profile }).map(({ atMs }) => atMs));
      for (const profile of PROFILES) simulator.setProfile(profile, { answer: { tokens: 3 } });
      const backAt = Date.now();
      await callUntil(() => Date.now() > backAt + 6_000, 'the time after', 10_000);

      // The first second is what the breakers need to open: four failures of each, and what was under way then.
      const mostProbes = probes.map((times) =>
        mostIn(
          1_000,
          times.filter((at) => at > startedAt + 1_500),
        ),
      );
      expect(Math.max(...mostProbes)).toBeLessThanOrEqual(1);
      const outcomes = await Promise.all(calls.map(async ({ atMs, outcome }) => ({ atMs, ...(await outcome) })));
      // One whose api looked a little too early was still there when all was well again, and has its answer.
      const sawTheEnd = ({ kind, atMs, tookMs }: (typeof outcomes)[0]): boolean =>
        kind === 'answer' && atMs + tookMs > backAt;
      const inIt = outcomes.filter(({ atMs }) => atMs > startedAt + 1_500 && atMs < backAt - 10_500);
      const waited = inIt.filter((outcome) => !sawTheEnd(outcome));
      expect(waited.length).toBeGreaterThan(10);
      const told = new Set(waited.map(({ status, code }) => `${status} ${code}`));
      expect(told).toEqual(new Set(['503 no_deployment_available']));
      const times = waited.map(({ tookMs }) => Math.round(tookMs)).toSorted((a, b) => a - b);
      const p99 = times[Math.floor(times.length * 0.99)]!;
      tell(
        'F20',
        { refused: waited.length, p50Ms: times[times.length >> 1]!, p99Ms: p99, mostMs: times.at(-1)! },
        'wait',
      );
      expect(times[0]).toBeGreaterThan(9_500);
      // Behind the jobs it is the api that looks, every five to six seconds. One that a worker takes a moment before is given its
      // time anew, where that worker has not met the outage itself: once in some thousands.
      expect(times.at(-1)).toBeLessThan(23_000);
      expect(isFullSize ? p99 : 0).toBeLessThan(13_000);
      const late = outcomes.filter(({ atMs }) => atMs > backAt - 5_000);
      expect(late.filter(({ kind }) => kind !== 'answer')).toEqual([]);
      const servedAt = Math.min(...late.map(({ atMs, tookMs }) => atMs + tookMs));
      expect(servedAt - backAt).toBeLessThan(5_000);
      const ended = await Promise.all(submitted.map(({ body }) => jobs.ended(body['id'])));
      expect(new Set(ended.map(({ body }) => body['status']))).toEqual(new Set(['completed']));
      const seen = probes.map((times) => times.length).join(' and ');
      tell('F20', {
        downS: DOWN_MS / 1_000,
        calls: calls.length,
        jobs: JOBS,
        triesWhileDown: seen,
        servedAfterMs: Math.round(servedAt - backAt),
      });
    },
    90_000 + DOWN_MS,
  );
});
