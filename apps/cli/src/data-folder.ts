import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { access, constants, mkdir, realpath, rm, stat } from 'node:fs/promises';
import { createConnection, createServer, type Server } from 'node:net';
import { dirname, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { socketPathOf } from './socket-path.js';

const SETTLE_MS = 50;

export interface DataFolder {
  /** Absolute, without links. */
  readonly path: string;
  readonly release: () => Promise<void>;
}

/**
 * Makes the data folder and holds it for this process: who holds it may stop the Redis that a killed one left there.
 *
 * The lock is a Unix socket on which the holder listens. A file with a process number lies after a reboot, in a restarted
 * container and between two containers that share a volume; a socket answers exactly as long as its holder lives.
 * @throws Error with a sentence: another Sluice holds the folder, or it cannot be written.
 */
export async function holdDataFolder(dataDir: string): Promise<DataFolder> {
  const path = await makeWritable(dataDir);
  const lock = socketPathOf(path, 'sluice.lock');
  const identity = `${process.pid} ${randomUUID()}`;
  const inUse = (holder: string): Error =>
    new Error(
      `The data folder ${path} is in use by another Sluice (process ${holder.split(' ')[0] || 'unknown'}). ` +
        `Stop that one, or choose another folder with --data.`,
    );

  const holder = await holderOf(lock);
  if (holder !== undefined) throw inUse(holder);
  await rm(lock, { force: true }); // left behind by a killed process
  const server = await listen(lock, identity);
  if (server === undefined) throw inUse((await holderOf(lock)) ?? '');

  // Two that found the same stale lock at the same moment: the later one has replaced the earlier one's socket.
  await pause(SETTLE_MS);
  const winner = await holderOf(lock);
  if (winner !== identity) {
    server.unref();
    throw inUse(winner ?? '');
  }
  return {
    path,
    async release() {
      if (!server.listening) return;
      server.close(); // removes the socket
      await once(server, 'close');
    },
  };
}

/** Step by step: Node's `recursive` never returns where a folder cannot be made although its parent is there (/proc). */
async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' && (await stat(path)).isDirectory()) return;
    const parent = dirname(path);
    if (code !== 'ENOENT' || parent === path || existsSync(parent)) throw error;
    await makeFolder(parent);
    await mkdir(path);
  }
}

async function makeWritable(dataDir: string): Promise<string> {
  try {
    await makeFolder(resolve(dataDir));
    await access(dataDir, constants.R_OK | constants.W_OK | constants.X_OK);
    return await realpath(dataDir);
  } catch (error) {
    throw new Error(
      `The data folder ${dataDir} cannot be written (${(error as NodeJS.ErrnoException).code}): Sluice keeps its queue ` +
        `there. Make it writable, or choose another folder with --data.`,
      { cause: error },
    );
  }
}

/** What the holder says of itself; undefined when nobody listens. */
async function holderOf(lock: string): Promise<string | undefined> {
  const socket = createConnection(lock);
  try {
    await once(socket, 'connect');
  } catch {
    return undefined;
  }
  // A holder that is too busy to answer is a holder all the same.
  socket.setTimeout(1_000, () => socket.destroy());
  return text(socket).catch(() => '');
}

/** Undefined when somebody else came first. */
async function listen(lock: string, identity: string): Promise<Server | undefined> {
  const server = createServer((socket) => socket.on('error', () => undefined).end(identity));
  server.listen(lock).unref();
  try {
    await once(server, 'listening');
    return server;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return undefined;
    throw error;
  }
}
