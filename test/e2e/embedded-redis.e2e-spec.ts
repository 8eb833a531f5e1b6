import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { checkRedis } from '@sluice/state';
import { Redis } from 'ioredis';
import { holdDataFolder } from '../../apps/cli/src/data-folder.js';
import { type EmbeddedRedis, startEmbeddedRedis } from '../../apps/cli/src/embedded-redis.js';
import { eventually } from '../eventually.js';
import { temporaryFolder } from '../support/sluice-process.js';

const started: EmbeddedRedis[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((redis) => redis.stop()));
});

async function start(dataDir: string, said: string[] = []): Promise<EmbeddedRedis> {
  const redis = await startEmbeddedRedis(dataDir, (sentence) => said.push(sentence));
  started.push(redis);
  return redis;
}

describe('the embedded Redis', () => {
  it('keeps an append-only file and evicts nothing', async () => {
    const { socketPath } = await start(temporaryFolder());
    const client = new Redis(socketPath);
    expect(await client.config('GET', 'appendonly')).toEqual(['appendonly', 'yes']);
    expect(await client.config('GET', 'appendfsync')).toEqual(['appendfsync', 'everysec']);
    expect(await client.config('GET', 'maxmemory-policy')).toEqual(['maxmemory-policy', 'noeviction']);
    client.disconnect();
  });

  it('syncs each write before it answers when durability is strict, and one that never does is refused', async () => {
    const strict = await startEmbeddedRedis(temporaryFolder(), () => undefined, 'strict');
    started.push(strict);
    const [always, never] = [strict, await start(temporaryFolder())].map(({ socketPath }) => new Redis(socketPath));
    expect(await always!.config('GET', 'appendfsync')).toEqual(['appendfsync', 'always']);
    await expect(checkRedis(always!, 'strict')).resolves.toHaveProperty('version');
    await never!.config('SET', 'appendfsync', 'no');
    await expect(checkRedis(never!, 'strict')).rejects.toThrow(/appendfsync always/);
    always!.disconnect();
    never!.disconnect();
  });

  it('has its data again after a stop, which may be repeated', async () => {
    const dataDir = temporaryFolder();
    const first = await start(dataDir);
    const before = new Redis(first.socketPath);
    await before.set('kept', 'yes');
    before.disconnect();
    await first.stop();
    await first.stop();
    const after = new Redis((await start(dataDir)).socketPath);
    expect(await after.get('kept')).toBe('yes');
    after.disconnect();
  });

  it('stops the one that a killed Sluice left on the folder', async () => {
    const dataDir = temporaryFolder();
    const said: string[] = [];
    const left = await start(dataDir, said); // nobody stops it: to the next it looks like an orphan
    const orphan = new Redis(left.socketPath, { retryStrategy: null });
    orphan.on('error', () => undefined);
    await orphan.set('kept', 'yes');
    const stopping = left.stop; // its own supervision would bring it back
    started.splice(started.indexOf(left), 1);
    const next = start(dataDir);
    await eventually(() => orphan.status === 'end', { withinMs: 5_000, what: 'the orphan to end' });
    await stopping();
    const client = new Redis((await next).socketPath);
    expect(await client.get('kept')).toBe('yes');
    client.disconnect();
  });

  it('works in a folder whose name is too long for a socket', async () => {
    const dataDir = join(temporaryFolder(), 'a'.repeat(60), 'b'.repeat(60));
    mkdirSync(dataDir, { recursive: true });
    const { socketPath } = await start(dataDir);
    expect(socketPath.startsWith(dataDir)).toBe(false);
    const client = new Redis(socketPath);
    expect(await client.ping()).toBe('PONG');
    client.disconnect();
  });
});

describe('a data folder', () => {
  it('is held by one at a time, however many try', async () => {
    const dataDir = temporaryFolder();
    const tries = await Promise.allSettled(Array.from({ length: 8 }, () => holdDataFolder(dataDir)));
    const held = tries.filter((one) => one.status === 'fulfilled');
    expect(held).toHaveLength(1);
    await held[0]!.value.release();
    await (await holdDataFolder(dataDir)).release();
  });
});
