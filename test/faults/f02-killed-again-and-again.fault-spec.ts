import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openRedis } from '@sluice/state';
import type { Redis } from 'ioredis';
import { freeJobsOf } from '../../libs/queue/src/dead-worker-reaper.js';
import { keysOf, WORKERS } from '../../libs/queue/src/group-keys.js';
import { eventually } from '../eventually.js';
import { callOnce, Cluster } from '../support/cluster.js';
import type { SluiceProcess } from '../support/sluice-process.js';

const CALLS = 20;
const QUICK = { answer: { tokens: 10 } };
const SOON = { SLUICE_DRAIN_MS: '500' };

describe('jobs whose workers are killed again and again (F2)', () => {
  let cluster: Cluster;
  let redis: Redis;
  let api: SluiceProcess;
  const k = keysOf('gpt-4o');

  beforeEach(async () => {
    cluster = await new Cluster().start([{ profile: 'only' }]);
    redis = openRedis(cluster.redis.url, { role: 'worker', onError: () => undefined });
    api = await cluster.api();
  });
  afterEach(async () => {
    redis.disconnect();
    await cluster.stop();
  });

  const inFlight = (calls: number): Promise<void> =>
    eventually(() => cluster.simulator.stats().inFlight === calls, {
      withinMs: 20_000,
      what: `${calls} calls to be at the provider`,
    });

  /** Kills it, and spares the time that the cluster takes to find it dead: F1 measures that. */
  async function kill(worker: SluiceProcess): Promise<void> {
    await worker.end('SIGKILL');
    const dead = (await redis.zrange(WORKERS, '0', '-1')).filter((id) => id.includes(`/${worker.pid}-`));
    await freeJobsOf(redis)(k.bullActive, k.bullStalled, k.bullStalledCheck, k.bullJob, ...dead);
  }

  const crashesOf = async (): Promise<number[]> => {
    const records = await redis.keys(`${k.recordPrefix}*`);
    return Promise.all(records.map(async (key) => Number(await redis.hget(key, 'crashes'))));
  };

  it('are answered all the same after five kills from outside, and not given up', async () => {
    cluster.simulator.setProfile('only', { rules: [{ do: { hang: true } }] });
    let worker = await cluster.worker(SOON);
    const calls = Array.from({ length: CALLS }, (_, i) => callOnce(api.origin, `k${i}`, { stream: i % 2 === 1 }));
    await inFlight(CALLS);
    for (let kills = 1; kills <= 4; kills++) {
      await kill(worker);
      await inFlight(0);
      worker = await cluster.worker(SOON);
      await inFlight(kills < 3 ? CALLS : 1); // from the third on they run by themselves, one at a time
    }
    await kill(worker);
    await inFlight(0);
    expect(await crashesOf()).toEqual(Array(CALLS).fill(3));

    cluster.simulator.setProfile('only', QUICK);
    await cluster.worker(SOON);
    const outcomes = await Promise.all(calls);
    expect(outcomes.filter((o) => o.kind !== 'answer')).toEqual([]);
  }, 120_000);

  it('end as worker_crash_loop when it is the job that ends them; no other call notices once it is known', async () => {
    cluster.simulator.setProfile('only', { ...QUICK, rules: [{ match: { stream: true }, do: { hang: true } }] });
    let worker = await cluster.worker(SOON);
    const poison = callOnce(api.origin, 'poison', { stream: true });
    for (let deaths = 1; deaths <= 3; deaths++) {
      await inFlight(1);
      await kill(worker);
      await inFlight(0);
      worker = await cluster.worker(SOON);
    }

    for (let deaths = 4; deaths <= 5; deaths++) {
      await inFlight(1);
      const [suspects] = childrenOf(worker.pid);
      process.kill(suspects!, 'SIGKILL');
      await inFlight(0);
      const others = Array.from({ length: 10 }, (_, i) => callOnce(api.origin, `other ${deaths} ${i}`));
      expect((await Promise.all(others)).filter((o) => o.kind !== 'answer')).toEqual([]);
    }

    // As a plain error, or in the stream whose head went out when nothing had come for ten seconds.
    expect(await poison).toMatchObject({ kind: 'error', code: 'worker_crash_loop' });
    const streamed = cluster.simulator.requests().filter(({ body }) => JSON.stringify(body).includes('poison'));
    expect(streamed.length).toBe(5);
    expect(await redis.zcard(k.suspects)).toBe(0);
    expect(await worker.end('SIGTERM')).toBe(0); // with the process that it started
  }, 120_000);
});

function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => statOf(name)?.split(' ')[1] === String(pid))
    .map(Number);
}

/** What follows the name of the program: state, parent, … */
function statOf(pid: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1);
  } catch {
    return undefined; // it ended meanwhile
  }
}
