import { createServer } from 'node:net';
import { expect, it } from '@jest/globals';
import type { Emit } from '@sluice/telemetry';
import { Redis } from 'ioredis';
import { errorTeller } from './tell-errors.js';

const listening = (): { told: string[]; tell: (error: Error) => void } => {
  const told: string[] = [];
  const emit = ((event: string) => told.push(event)) as Emit;
  return { told, tell: errorTeller(emit) };
};

it('tells one of many errors a second', () => {
  const { told, tell } = listening();
  for (let i = 0; i < 100; i++) tell(new Error('OOM command not allowed'));
  expect(told).toEqual(['internal.error']);
});

it('leaves it to `redis.lost` to tell that nobody listens', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  const port = await new Promise<number>((resolve) => {
    server.once('listening', () => resolve((server.address() as { port: number }).port));
  });
  server.close();
  const { told, tell } = listening();
  const redis = new Redis(port, '127.0.0.1', { retryStrategy: () => null, maxRetriesPerRequest: null });
  const failed = new Promise<void>((resolve) => {
    redis.on('error', (error) => {
      tell(error);
      resolve();
    });
  });
  tell(
    await redis.ping().then(
      () => new Error('answered'),
      (error: Error) => error,
    ),
  );
  await failed;
  expect(told).toEqual([]);
});
