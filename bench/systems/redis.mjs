import { mkdirSync } from 'node:fs';
import { launch, scratchFile } from '../machine/processes.mjs';

/** A redis-server of our own, set as Sluice sets its embedded one: Unix socket, append-only file synced each second. */
export async function startRedis() {
  const dir = scratchFile('redis');
  mkdirSync(dir);
  const socket = `${dir}/redis.sock`;
  const args = ['--port', '0', '--unixsocket', socket, '--unixsocketperm', '700', '--dir', dir, '--save', ''];
  args.push('--hash-max-listpack-value', '4096', '--stream-node-max-bytes', '1024');
  args.push('--latency-tracking', 'no', '--auto-aof-rewrite-min-size', '256mb');
  args.push('--appendonly', 'yes', '--appendfsync', 'everysec', '--maxmemory-policy', 'noeviction');
  const { pid, stop } = await launch('redis', 'redis-server', args, { ready: /ready to accept connections/i });
  return { pid, socket, stop };
}
