import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Leases, openRedis, type RedisRole } from '@sluice/state';
import type { Redis } from 'ioredis';
import { eventually } from '../eventually.js';
import { SlowLink } from '../support/slow-link.js';

/** A Redis of its own, to be stopped and started again. */
let folder: string;
let server: ChildProcess;
let clients: Redis[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-away-'));
  clients = [];
  await startServer();
});
afterEach(async () => {
  for (const client of clients) client.disconnect();
  await stopServer();
  rmSync(folder, { recursive: true, force: true });
});

async function startServer() {
  const args = ['--port', '0', '--unixsocket', join(folder, 'redis.sock'), '--dir', folder, '--save', ''];
  for (const program of ['redis-server', 'valkey-server']) {
    server = spawn(program, args, { stdio: 'ignore' });
    const isThere = await once(server, 'spawn').then(
      () => true,
      () => false,
    );
    if (isThere) return;
  }
  throw new Error('No redis-server or valkey-server on the PATH.');
}

async function stopServer() {
  if (server.exitCode !== null || server.signalCode !== null) return;
  server.kill('SIGKILL');
  await once(server, 'exit');
}

async function opened(role: RedisRole): Promise<Redis> {
  const client = openRedis(join(folder, 'redis.sock'), { role, onError: () => undefined });
  clients.push(client);
  await eventually(() => client.status === 'ready', { withinMs: 5_000, what: 'a connection' });
  return client;
}

function leasing(leases: Leases) {
  const candidates = [{ id: 'd', order: 1, rpm: 0, tpm: 0, maxParallel: 0 }];
  const strategy = 'in-order' as const;
  return leases.take({ group: 'g', leaseId: 'l', strategy, tokens: 0, candidates, probeEveryWhenAllOpenMs: 0 });
}

async function timed(work: Promise<unknown>): Promise<{ outcome: unknown; ms: number }> {
  const start = performance.now();
  const outcome = await work.then(
    () => 'done',
    (error: Error) => error,
  );
  return { outcome, ms: performance.now() - start };
}

describe('while Redis is away', () => {
  it('the api is refused within a second, and goes on by itself within 5 s of its return', async () => {
    const api = await opened('api');
    const leases = new Leases(api);
    expect(await leasing(leases)).toMatchObject({ taken: true });

    await stopServer();
    for (let i = 0; i < 3; i++) {
      const { outcome, ms } = await timed(leasing(leases));
      expect(outcome).toBeInstanceOf(Error);
      expect(ms).toBeLessThan(1_500);
    }
    await startServer();
    const isBack = async () => (await timed(leasing(leases))).outcome === 'done';
    await eventually(isBack, { withinMs: 5_000, what: 'the api to lease again' });
  });

  it('the api is refused within a second by one that hangs', async () => {
    const leases = new Leases(await opened('api'));
    await leasing(leases);
    server.kill('SIGSTOP');
    const { outcome, ms } = await timed(leasing(leases));
    server.kill('SIGCONT');
    expect(outcome).toBeInstanceOf(Error);
    expect(ms).toBeLessThan(1_500);
  });

  it('a large request over a slow link is no silence', async () => {
    const link = await new SlowLink(join(folder, 'redis.sock')).start();
    const client = openRedis(link.url, { role: 'api', onError: () => undefined });
    clients.push(client);
    await eventually(() => client.status === 'ready', { withinMs: 5_000, what: 'a connection' });
    let isBroken = false;
    client.on('close', () => (isBroken = true));
    link.slowTo(8);
    const { outcome, ms } = await timed(client.set('large', Buffer.alloc(20 << 20)));
    expect(outcome).toBe('done');
    expect(ms).toBeGreaterThan(1_500); // longer than a silence
    expect(isBroken).toBe(false);
    link.stop();
  });

  it('a worker waits, and its commands are done after its return', async () => {
    const leases = new Leases(await opened('worker'));
    await leasing(leases);
    await stopServer();
    const waiting = timed(leasing(leases));
    await startServer();
    expect(await waiting).toMatchObject({ outcome: 'done' });
    expect((await waiting).ms).toBeLessThan(5_000);
  });
});
