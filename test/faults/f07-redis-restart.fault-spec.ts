import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../eventually.js';
import { callOnce, Cluster, type Outcome } from '../support/cluster.js';
import { isFullSize, tell } from '../support/full-size.js';
import { nativeJobs } from '../support/native-jobs.js';
import type { SluiceProcess } from '../support/sluice-process.js';

const CALLS = 100;
const JOBS = 50;
/** The reconnecting clients of each length have waited longer between their tries. */
const AWAY_S = isFullSize ? [5, 15, 40, 120] : [5];

describe.each(AWAY_S)('Redis killed in the middle of load, and back after %d s (F7)', (awayS) => {
  let cluster: Cluster;
  let api: SluiceProcess;

  beforeAll(async () => {
    cluster = await new Cluster().start([{ profile: 'only' }]);
    api = await cluster.api();
    await cluster.worker();
    await cluster.worker();
  });
  afterAll(() => cluster?.stop());

  it('refuses new calls within a second, answers every call it had accepted, and serves again within 5 s of its return', async () => {
    cluster.simulator.setProfile('only', { latency: { p50: 1_000, p95: 1_500, p99: 2_000 }, answer: { tokens: 10 } });
    const accepted: Promise<Outcome>[] = [];
    let over = 0;
    for (let i = 0; i < CALLS; i++) {
      accepted.push(callOnce(api.origin, `before${i}`, { stream: i % 4 === 0 }));
      void accepted[i]!.then(() => over++);
    }
    const jobs = nativeJobs({ url: api.origin, group: cluster.group });
    const submitted = await Promise.all(Array.from({ length: JOBS }, () => jobs.submit()));
    expect(new Set(submitted.map(({ status }) => status))).toEqual(new Set([202]));
    await eventually(() => cluster.simulator.stats().inFlight >= 50, { withinMs: 10_000, what: 'calls under way' });

    await cluster.redis.stop('SIGKILL');
    const underWay = cluster.simulator.requests().length - over;
    const refused = await Promise.all(Array.from({ length: 5 }, (_, i) => callOnce(api.origin, `away${i}`)));
    expect(refused.map((o) => o.code)).toEqual(Array(5).fill('storage_unavailable'));
    expect(Math.max(...refused.map((o) => o.tookMs))).toBeLessThan(1_000 + 200); // and the call's own way
    const ready = await fetch(`${api.origin}/readyz`);
    expect(ready.status).toBe(503);

    await new Promise((back) => setTimeout(back, awayS * 1_000)); // the length of the outage is what is tested
    cluster.simulator.setProfile('only', { answer: { tokens: 10 } });
    await cluster.redis.start();
    const returnedAt = performance.now();
    // Several, one after the other has begun: the figure is when calls are served again, not how long the first of them took.
    const probes: Promise<Outcome>[] = [];
    let isServed = false;
    await eventually(
      () => {
        if (performance.now() - returnedAt >= probes.length * 250) {
          const probe = callOnce(api.origin, 'probe');
          probes.push(probe);
          void probe.then(({ kind }) => (isServed ||= kind === 'answer'));
        }
        return isServed;
      },
      { withinMs: 6_000, what: 'the first answer after its return' },
    );
    const servedMs = performance.now() - returnedAt;
    expect(servedMs).toBeLessThan(5_000);

    const outcomes = await Promise.all(accepted);
    await eventually(() => cluster.simulator.stats().inFlight === 0, { withinMs: 10_000, what: 'the last run to end' });
    const isRefusal = (o: Outcome): boolean => o.kind === 'error' && o.code === 'storage_unavailable';
    expect([...outcomes, ...(await Promise.all(probes))].filter((o) => o.kind !== 'answer' && !isRefusal(o))).toEqual(
      [],
    );
    const ended = await Promise.all(submitted.map(({ body }) => jobs.ended(body['id'])));
    expect(new Set(ended.map(({ body }) => body['status']))).toEqual(new Set(['completed'])); // what was acknowledged is not lost
    const calls = outcomes.map((_, i) => providerCalls(cluster, `before${i}`));
    expect(Math.max(...calls)).toBeLessThanOrEqual(2); // what was running runs once more
    const again = calls.filter((count) => count > 1).length;
    expect(again).toBeLessThanOrEqual(underWay);
    // Whose acceptance was not confirmed is told so, and not served as well: no content, and nothing is run again for it.
    const refusedBefore = outcomes.flatMap((o, i) => (isRefusal(o) ? [{ text: o.text, again: calls[i]! > 1 }] : []));
    expect(refusedBefore).toEqual(refusedBefore.map(() => ({ text: '', again: false })));
    const away = Array.from({ length: 5 }, (_, i) => providerCalls(cluster, `away${i}`));
    expect(away).toEqual(Array(5).fill(0));
    tell(
      'F7',
      { calls: CALLS, jobs: JOBS, underWay, again, refused: refusedBefore.length, servedAfterMs: Math.round(servedMs) },
      `${awayS} s`,
    );
  }, 180_000);
});

const providerCalls = (cluster: Cluster, tag: string): number =>
  cluster.simulator.requests().filter(({ body }) => JSON.stringify(body).includes(`call ${tag}.`)).length;
