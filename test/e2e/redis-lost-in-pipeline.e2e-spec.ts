import { spawnSync } from 'node:child_process';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { openRedis } from '@sluice/state';
import type { Redis } from 'ioredis';
import { OwnRedis } from '../support/own-redis.js';

let server: OwnRedis;
let redis: Redis;

beforeEach(async () => {
  server = await new OwnRedis().start();
  redis = openRedis(server.url, { role: 'worker', onError: () => undefined });
  await redis.ping();
});

afterEach(async () => {
  redis.disconnect();
  await server.stop();
});

/** While this process does nothing else: it has not read that the connection is closed. */
function stopUnnoticed(url: string): void {
  const { status } = spawnSync(process.execPath, [
    '-e',
    `require('net').connect(process.argv[1]).on('close', () => process.exit(0)).end('SHUTDOWN NOSAVE\\r\\n')`,
    url,
  ]);
  expect(status).toBe(0);
}

it('sends a transaction as a whole when Redis goes away under it, however many commands it has (F7)', async () => {
  stopUnnoticed(server.url);
  const transaction = redis.multi();
  for (let i = 0; i < 40; i++) transaction.incr('count');
  const executed = transaction.exec();
  await server.start();

  const replies = (await executed)!;
  expect(replies.map(([error, count]) => error ?? count)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
  expect(await redis.get('count')).toBe('40');
});
