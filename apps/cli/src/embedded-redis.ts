import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { endWithUs } from './end-with-us.js';
import { socketPathOf } from './socket-path.js';

const FIRST_RESTART_MS = 100;
const MAX_RESTART_MS = 5_000;
/** Who ran this long counts as well again. */
const STEADY_AFTER_MS = 10_000;
const STOPPED_WITHIN_MS = 10_000;
/** A large append-only file is read at 100–200 MB/s before the first connection is accepted. */
const READY_WITHIN_MS = 120_000;
const KEPT_OUTPUT = 500;

export interface EmbeddedRedis {
  readonly socketPath: string;
  /** Writes everything out and ends it. Safe to repeat. */
  readonly stop: () => Promise<void>;
}

/**
 * Runs redis-server or valkey-server as a child on a Unix socket, with its append-only file in `<dataDir>/redis`, and runs
 * it again on the same data when it dies, until `stop`. Clients reconnect by themselves. Hold the data folder first.
 * @param durability `strict`: each write is on disk before it is answered. A running one keeps what it began with.
 * @param say Told in a sentence when the child died and when it is back.
 * @throws Error with a sentence when there is no such program, or it does not start.
 */
export async function startEmbeddedRedis(
  dataDir: string,
  say: (sentence: string) => void,
  durability: 'everysec' | 'strict' = 'everysec',
): Promise<EmbeddedRedis> {
  const dir = join(dataDir, 'redis');
  const socketPath = socketPathOf(dataDir, 'redis.sock');
  await mkdir(dir, { recursive: true });
  await stopOrphan(socketPath);

  const stopping = new AbortController();
  const syncs = durability === 'strict' ? 'always' : 'everysec';
  let running = await launchUntilReady(dir, socketPath, syncs);
  let startedAtMs = Date.now();
  const supervision = supervise();

  /** running → died → wait (doubled while it keeps dying) → running. */
  async function supervise(): Promise<void> {
    let waitMs = FIRST_RESTART_MS;
    while (!stopping.signal.aborted) {
      await running.ended;
      if (stopping.signal.aborted) return;
      if (Date.now() - startedAtMs > STEADY_AFTER_MS) waitMs = FIRST_RESTART_MS;
      say(`The embedded Redis ended (${running.how()}); starting it again in ${waitMs} ms.`);
      await pause(waitMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      waitMs = Math.min(waitMs * 2, MAX_RESTART_MS);
      if (stopping.signal.aborted) return;
      try {
        startedAtMs = Date.now();
        running = await launchUntilReady(dir, socketPath, syncs);
        say('The embedded Redis is back.');
      } catch (error) {
        say((error as Error).message); // `running` has ended, so the loop comes round
      }
    }
  }

  return {
    socketPath,
    async stop() {
      stopping.abort();
      await running.end();
      await supervision;
      await running.end(); // one that was being launched meanwhile
    },
  };
}

interface RedisProcess {
  readonly ended: Promise<void>;
  how(): string;
  end(): Promise<void>;
}

async function launchUntilReady(dir: string, socketPath: string, syncs: 'always' | 'everysec'): Promise<RedisProcess> {
  await rm(socketPath, { force: true }); // a killed one leaves it behind
  const args = ['--port', '0', '--unixsocket', socketPath, '--unixsocketperm', '700', '--dir', dir];
  args.push('--stream-node-max-bytes', '1024'); // each job has a stream, and most hold a few short frames
  args.push('--hash-max-listpack-value', '4096'); // job records are compact, and waiting calls cost a third less
  args.push('--latency-tracking', 'no'); // a histogram entry for each of some sixty commands that a call makes in scripts
  args.push('--auto-aof-rewrite-min-size', '256mb'); // 6 kB a call: with Redis' own 64 MB a fork each five seconds of load
  args.push('--appendonly', 'yes', '--appendfsync', syncs, '--save', '', '--maxmemory-policy', 'noeviction');
  const child = (await launch('redis-server', args)) ?? (await launch('valkey-server', args));
  if (!child) throw new Error('No redis-server or valkey-server on the PATH. Install one, or set REDIS_URL.');

  const watchdog = endWithUs(child, 'TERM');
  const ended = once(child, 'exit').then(() => {
    watchdog.kill('SIGKILL');
  });
  let output = '';
  const ready = new Promise<boolean>((resolve) => {
    void ended.then(() => resolve(false));
    child.stdout!.on('data', (data: Buffer) => {
      output = (output + data.toString()).slice(-KEPT_OUTPUT);
      if (/ready to accept connections/i.test(output)) resolve(true); // "Ready…" on a port, "The server is now ready…" here
    });
  });
  const redis: RedisProcess = {
    ended,
    how: () => child.signalCode ?? `status ${child.exitCode}`,
    async end() {
      if (hasEnded(child)) return;
      child.kill('SIGTERM'); // it writes its file out and leaves
      const patience = setTimeout(() => child.kill('SIGKILL'), STOPPED_WITHIN_MS);
      await ended;
      clearTimeout(patience);
    },
  };

  const isReady = await Promise.race([ready, pause(READY_WITHIN_MS, false, { ref: false })]);
  child.stdout!.removeAllListeners('data').resume();
  if (isReady) return redis;
  await redis.end();
  throw new Error(`The embedded Redis did not start (${redis.how()}): ${output.trim()}`);
}

/** Undefined when there is no such program. */
async function launch(program: string, args: string[]): Promise<ChildProcess | undefined> {
  // A process group of its own: Ctrl-C in the terminal must not stop Redis before the jobs have drained.
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'], detached: true });
  return new Promise((resolve, reject) => {
    child.once('spawn', () => resolve(child));
    child.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') resolve(undefined);
      else reject(error);
    });
  });
}

const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;

/** A Redis whose parent was killed may still run and holds the files; it is ours, since we hold the folder. */
async function stopOrphan(socketPath: string): Promise<void> {
  const socket = createConnection(socketPath);
  try {
    await once(socket, 'connect');
  } catch {
    return rm(socketPath, { force: true });
  }
  socket.on('error', () => undefined);
  socket.resume().end('SHUTDOWN\r\n');
  await Promise.race([once(socket, 'close'), pause(STOPPED_WITHIN_MS, undefined, { ref: false })]);
  const deadline = Date.now() + STOPPED_WITHIN_MS;
  while (existsSync(socketPath)) {
    if (Date.now() > deadline)
      throw new Error(`The Redis that an earlier Sluice left at ${socketPath} does not stop. End it.`);
    await pause(20);
  }
}
