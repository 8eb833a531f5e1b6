import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { BreakerRules } from '@sluice/core';
import { BreakerNews, DeploymentBreakers, Leases, openRedis } from '@sluice/state';
import type { Redis } from 'ioredis';
import { eventually } from '../eventually.js';
import { OwnRedis } from '../support/own-redis.js';

const RULES: BreakerRules = { allowedFails: 0, cooldownMs: 60_000, disableCooldowns: false };

/** One worker's share of it, with connections of its own. */
async function newWorker(url: string, group: string, ids: readonly string[]) {
  const commands = openRedis(url, { role: 'worker', onError: () => undefined });
  const subscriber = openRedis(url, { role: 'subscriber', onError: () => undefined });
  const leases = new Leases(commands);
  const breakers = new DeploymentBreakers();
  const watched = () => ids.map((id) => ({ group, id }));
  const news = new BreakerNews(subscriber, leases, breakers, watched, () => undefined);
  await news.start();
  const settle = async (id: string, kind: 'failed' | 'succeeded'): Promise<void> => {
    const candidates = [{ id, order: 1, rpm: 0, tpm: 0, maxParallel: 0 }];
    const ask = { group, leaseId: randomUUID(), strategy: 'in-order' as const, tokens: 0, candidates };
    const reply = await leases.take({ ...ask, probeEveryWhenAllOpenMs: 1 });
    if (!reply.taken) throw new Error(JSON.stringify(reply.refusals));
    await leases.settle(reply.lease, { kind, reason: 'server', rules: RULES });
  };
  const stop = (): void => {
    news.stop();
    breakers.stop();
    commands.disconnect();
    subscriber.disconnect();
  };
  return { leases, breakers, settle, stop };
}

describe('a breaker of the cluster', () => {
  const group = `g:dep:${randomUUID()}`;
  const redis = new OwnRedis();
  const workers: Awaited<ReturnType<typeof newWorker>>[] = [];
  let look: Redis;
  const join = async () => {
    const worker = await newWorker(redis.url, group, ['a', 'b:1', 'c%3A']);
    workers.push(worker);
    return worker;
  };
  beforeAll(async () => {
    await redis.start();
    look = openRedis(redis.url, { role: 'worker', onError: () => undefined });
  });
  afterAll(async () => {
    workers.forEach((worker) => worker.stop());
    look.disconnect();
    await redis.stop('SIGKILL');
  });

  it('opens and closes the circuits of workers that did not call, whatever the deployment is named', async () => {
    const [calls, follows] = [await join(), await join()];
    for (const id of ['a', 'b:1', 'c%3A']) {
      await calls.settle(id, 'failed');
      await eventually(() => follows.breakers.isOpen(id), { withinMs: 1_000, what: `${id} to be open elsewhere` });
    }
    await eventually(
      () =>
        calls.settle('a', 'succeeded').then(
          () => true,
          () => false,
        ),
      {
        withinMs: 1_000,
        what: 'a probe',
      },
    );
    await eventually(() => !follows.breakers.isOpen('a'), { withinMs: 1_000, what: 'a to be closed elsewhere' });
    expect(follows.breakers.isOpen('b:1')).toBe(true);
    await calls.leases.reset(group, 'b:1');
    await eventually(() => !follows.breakers.isOpen('b:1'), { withinMs: 1_000, what: 'a reset to be heard' });
  });

  it('is known to a worker that starts late, and to one that was away while it opened', async () => {
    const [calls, away] = workers as [(typeof workers)[0], (typeof workers)[0]];
    const late = await join();
    expect([late.breakers.isOpen('a'), late.breakers.isOpen('c%3A')]).toEqual([false, true]);

    await look.client('KILL', 'TYPE', 'PUBSUB'); // all three hear nothing for a moment
    await calls.settle('a', 'failed');
    for (const { breakers } of [away, late]) {
      await eventually(() => breakers.isOpen('a'), { withinMs: 5_000, what: 'the look after a reconnect' });
    }
  });
});
