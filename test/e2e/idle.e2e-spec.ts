import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { OwnRedis } from '../support/own-redis.js';
import { RedisMonitor } from '../support/redis-monitor.js';
import { startSluice, type SluiceUnderTest } from '../support/sluice.js';

const own = new OwnRedis();
let sluice: SluiceUnderTest;

beforeAll(async () => {
  await own.start();
  sluice = await startSluice([{ profile: 'only' }], { env: { REDIS_URL: own.url } });
}, 30_000);
afterAll(async () => {
  await sluice?.stop();
  await own.stop('SIGKILL');
});

describe('a worker where no webhooks are under way', () => {
  it('asks Redis for deliveries about once a second', async () => {
    const monitor = await RedisMonitor.watch(own.url);
    await pause(6_000); // what is measured
    const commands = monitor.take();
    monitor.stop();
    expect(commands.length).toBeGreaterThan(0);
    const asked = commands.filter((command) => command.includes('{sluice}:webhooks:'));
    expect(asked.length).toBeLessThanOrEqual(10); // two looks of 3 commands and two of 2 at the most
  }, 15_000);
});
