import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { launch, node } from '../machine/processes.mjs';
import { startRedis } from './redis.mjs';

const program = join(dirname(fileURLToPath(import.meta.url)), 'bare-path-process.mjs');

/** Sluice's own path without anything that makes it a product: what is left to win, in the same run on the same machine. */
export async function startBarePath(upstream) {
  const redis = await startRedis();
  const half = (role, ready) =>
    launch(`bare-${role}`, node, ['--max-semi-space-size=16', program, role, redis.socket, upstream], { ready });
  const worker = await half('worker', /ready/);
  const api = await half('api', /ready at (\S+)/);
  const processes = [api, worker, redis];
  return {
    origin: api.match[1],
    headers: {},
    pids: processes.map(({ pid }) => pid),
    async stop() {
      for (const { stop } of processes) await stop();
    },
  };
}
