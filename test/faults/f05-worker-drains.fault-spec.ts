import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openRedis } from '@sluice/state';
import { eventually } from '../eventually.js';
import { callOnce, Cluster, type Outcome } from '../support/cluster.js';
import { sizeOf, tell } from '../support/full-size.js';
import { EventReader, eventsOf, seqsOf } from '../support/job-events.js';
import { nativeJobs } from '../support/native-jobs.js';
import type { SluiceProcess } from '../support/sluice-process.js';

const WORKERS = sizeOf(1, 3);
const CALLS = sizeOf(40, 200);
const WORKER_DRAIN_MS = sizeOf(1_000, 20_000);
const API_DRAIN_MS = sizeOf(2_000, 20_000);
const STREAMS_MAY_GO_ON_MS = 5_000;
/** Calls that come one after the other all the while. */
const CALLERS = 8;
const slow = (ms: number) => ({ latency: { p50: ms, p95: ms + 1, p99: ms + 2 }, answer: { tokens: 10 } });

describe('SIGTERM (F5, F6)', () => {
  let cluster: Cluster;
  let api: SluiceProcess;

  beforeAll(async () => {
    cluster = await new Cluster().start([{ profile: 'only' }]);
    api = await cluster.api();
  });
  afterAll(() => cluster?.stop());

  const inFlight = (count: number): Promise<void> =>
    eventually(() => cluster.simulator.stats().inFlight === count, {
      withinMs: 15_000,
      what: `${count} calls to be at the provider`,
    });
  const calls = (to: SluiceProcess, count: number, tag: string): Promise<Outcome>[] =>
    Array.from({ length: count }, (_, i) => callOnce(to.origin, `${tag}${i}`, { stream: i % 2 === 1 }));

  it(
    'lets a worker hand unfinished jobs back in its drain time; another runs them within 2 s, and no caller notices',
    async () => {
      const { simulator } = cluster;
      let leaving = await cluster.worker({ SLUICE_DRAIN_MS: String(WORKER_DRAIN_MS) });
      for (let turn = 0; turn < WORKERS; turn++) {
        simulator.setProfile('only', slow(WORKER_DRAIN_MS + 19_000));
        const unfinished = calls(api, CALLS, `turn${turn}-`);
        await inFlight(CALLS);
        const next = await cluster.worker({ SLUICE_DRAIN_MS: String(WORKER_DRAIN_MS) });
        simulator.setProfile('only', { answer: { tokens: 10 } });
        let isOver = false;
        const meanwhile: Outcome[] = [];
        const load = Array.from({ length: CALLERS }, async () => {
          while (!isOver) meanwhile.push(await callOnce(api.origin, 'meanwhile'));
        });

        const toldAt = performance.now();
        expect(await leaving.end('SIGTERM')).toBe(0);
        const [leftAt, leftAtMs] = [performance.now(), Date.now()];
        expect(leftAt - toldAt).toBeLessThan(WORKER_DRAIN_MS + 2_000);
        const outcomes = await Promise.all(unfinished);
        const answeredAfterMs = performance.now() - leftAt;
        isOver = true;
        await Promise.all(load);
        expect([...outcomes, ...meanwhile].filter((o) => o.kind !== 'answer')).toEqual([]);
        const asked = simulator.requests().filter(({ body }) => JSON.stringify(body).includes(`call turn${turn}-`));
        expect(asked).toHaveLength(2 * CALLS);
        expect(Math.max(...asked.map(({ atMs }) => atMs)) - leftAtMs).toBeLessThan(2_000);
        expect(answeredAfterMs).toBeLessThan(4_000);
        const figures = { handedBack: CALLS, meanwhile: meanwhile.length, leftAfterMs: Math.round(leftAt - toldAt) };
        tell('F5', { ...figures, answeredAfterMs: Math.round(answeredAfterMs) });
        leaving = next;
      }
      const redis = openRedis(cluster.redis.url, { role: 'worker', onError: () => undefined });
      const records = await redis.keys(`{sluice:${cluster.group}}:job:*`);
      const crashes = await Promise.all(records.map((key) => redis.hget(key, 'crashes')));
      redis.disconnect();
      expect(records.length).toBeGreaterThan(0);
      expect(crashes.filter((count) => Number(count ?? 0) > 0)).toEqual([]); // none of it was a stall
    },
    60_000 + WORKERS * (WORKER_DRAIN_MS + 10_000),
  );

  it(
    'lets an api finish what it can and end the rest with a clear error; it is unready at once, its streams go on elsewhere',
    async () => {
      const second = await cluster.api({ SLUICE_DRAIN_MS: String(API_DRAIN_MS) });
      const jobs = nativeJobs({ url: second.origin, group: cluster.group });
      cluster.simulator.setProfile('only', { tokensPerSecond: 4, answer: { tokens: 60 } });
      const streamed = await Promise.all(Array.from({ length: 5 }, () => jobs.submit({}, { stream: true })));
      const readers = streamed.map(({ body }) => new EventReader(second.origin, body['id']));
      await eventually(() => readers.every(({ lastSeq }) => lastSeq > 3), { withinMs: 10_000, what: 'tokens in each' });
      cluster.simulator.setProfile('only', slow(1_000));
      const quick = calls(second, 10, 'q');
      await inFlight(readers.length + 10);
      cluster.simulator.setProfile('only', slow(API_DRAIN_MS + 4_000));
      const late = calls(second, 10, 's');
      await inFlight(readers.length + 20);

      const toldAt = performance.now();
      second.kill('SIGTERM');
      const isUnready = async (): Promise<boolean> => (await fetch(`${second.origin}/readyz`)).status === 503;
      await eventually(isUnready, { withinMs: 1_000, what: 'it to be unready' });
      await Promise.all(readers.map(({ ended }) => ended));
      expect(performance.now() - toldAt).toBeLessThan(STREAMS_MAY_GO_ON_MS + 1_000);
      expect(await second.end()).toBe(0);
      tell('F6', { leftAfterMs: Math.round(performance.now() - toldAt) });
      expect((await Promise.all(quick)).filter((o) => o.kind !== 'answer')).toEqual([]);
      expect((await Promise.all(late)).map((o) => o.code)).toEqual(Array(10).fill('shutting_down'));
      for (const reader of readers) {
        const rest = await eventsOf(api.origin, reader.events[0]!.job_id, reader.lastSeq);
        const all = [...reader.events, ...rest];
        expect(seqsOf(all)).toEqual(all.map((_, i) => i + 1));
        expect(all.at(-1)!.type).toBe('job.completed');
      }
    },
    60_000 + 2 * API_DRAIN_MS,
  );
});
