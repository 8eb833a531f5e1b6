import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chown, mkdir, mkdtemp, open, readFile, realpath, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { endWithUs } from '../end-with-us.js';
import { pidFileOf, SOCKET_FOLDER, stopOrphan, STOPPED_WITHIN_MS } from './orphan.js';
import { ownerOf, placeOf, type Owner } from './owner.js';
import { ENVIRONMENT, findPrograms } from './programs.js';
import { within } from './within.js';

const run = promisify(execFile);

/** sun_path holds 108 bytes on Linux and 104 on macOS, with the closing zero. */
const MAX_SOCKET_PATH_BYTES = 103;
const READY_WITHIN_MS = 60_000; // after a crash PostgreSQL replays its log first

const OPTIONS = {
  listen_addresses: '',
  unix_socket_permissions: '0700',
  shared_buffers: '32MB',
  max_connections: '40',
  jit: 'off',
  io_method: 'sync', // no I/O worker processes
  autovacuum_worker_slots: '2',
  autovacuum_max_workers: '2',
  max_logical_replication_workers: '0', // no launcher process
  log_checkpoints: 'off',
  log_min_error_statement: 'panic', // a statement can hold a key
};

export interface EmbeddedPostgres {
  /** For `openDatabase`. */
  readonly url: string;
  readonly pid: number;
  readonly hasEnded: () => boolean;
  /** Breaks connections off, writes everything out and ends it. Safe to repeat. */
  readonly stop: () => Promise<void>;
}

/**
 * Runs the PostgreSQL of the npm packages as a child, on a Unix socket, with its files in `<dataDir>/postgres` and its
 * messages in `<dataDir>/postgres.log`. Hold the data folder first. It ends with this process, also when that is killed;
 * when it dies by itself, whoever needs it next starts it again.
 *
 * As root it runs as the owner of that folder (a new one is given to `nobody`). Where that user cannot reach `dataDir`,
 * say a home folder with mode 0700, the files lie under `/var/lib/sluice` and `<dataDir>/postgres` is a link to them;
 * where it cannot reach `node_modules`, the programs are copied there, once per version.
 *
 * The tests' global set-up runs this folder's files as they stand: no enums, no parameter properties, no `@sluice/`.
 * @throws Error with a sentence when this machine cannot run it, or it does not start
 */
export async function startEmbeddedPostgres(dataDir: string): Promise<EmbeddedPostgres> {
  const home = await realpath(dataDir);
  const folder = await placeOf(home);
  const owner = await ownerOf(folder);
  const programs = await findPrograms(home, owner);
  await stopOrphan(folder);
  if (!existsSync(folder)) await initialise(folder, programs, owner);

  const socketDir = await socketFolderFor(folder, owner);
  const child = await launch(join(programs, 'bin', 'postgres'), folder, socketDir, owner, join(home, 'postgres.log'));
  const watchdog = endWithUs(child, 'INT');
  child.once('exit', () => watchdog.kill('SIGKILL'));
  const stop = async (): Promise<void> => {
    await end(child);
    if (socketDir !== folder) await rm(socketDir, { recursive: true, force: true });
  };
  try {
    await untilReady(child, folder);
  } catch (error) {
    await stop();
    const said = await readFile(join(home, 'postgres.log'), 'utf8').catch(() => '');
    throw new Error(`${(error as Error).message}: ${said.slice(-500).trim()}`, { cause: error });
  }
  const url = `postgres://sluice@/postgres?host=${encodeURIComponent(socketDir)}`;
  return { url, pid: child.pid!, hasEnded: () => hasEnded(child), stop };
}

async function initialise(folder: string, programs: string, owner: Owner): Promise<void> {
  const unfinished = `${folder}.new`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { mode: 0o700 });
  if (owner) await chown(unfinished, owner.uid, owner.gid);
  const args = ['--pgdata', unfinished, '--username=sluice', '--auth=trust', '--encoding=UTF8', '--no-instructions'];
  args.push('--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'); // the same order on every machine
  await run(join(programs, 'bin', 'initdb'), args, { ...owner, cwd: unfinished, env: ENVIRONMENT }).catch(
    (error: Error & { stderr?: string }) => {
      const said = (error.stderr ?? error.message).slice(-500).trim();
      throw new Error(`PostgreSQL could not make its data folder: ${said}`, { cause: error });
    },
  );
  await rename(unfinished, folder);
}

async function socketFolderFor(folder: string, owner: Owner): Promise<string> {
  if (Buffer.byteLength(join(folder, '.s.PGSQL.5432.lock')) <= MAX_SOCKET_PATH_BYTES) return folder;
  const short = await mkdtemp(join(tmpdir(), SOCKET_FOLDER)); // mode 0700
  if (owner) await chown(short, owner.uid, owner.gid);
  return short;
}

async function launch(
  program: string,
  folder: string,
  socketDir: string,
  owner: Owner,
  logFile: string,
): Promise<ChildProcess> {
  const options = { ...OPTIONS, unix_socket_directories: `"${socketDir.replaceAll('"', '""')}"` };
  const args = ['-D', folder, ...Object.entries(options).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
  const log = await open(logFile, 'w', 0o600); // a file: a pipe would break when we are killed
  try {
    // A process group of its own: Ctrl-C in the terminal must not stop PostgreSQL before the jobs have drained.
    const stdio = ['ignore' as const, log.fd, log.fd];
    const child = spawn(program, args, { ...owner, cwd: folder, env: ENVIRONMENT, detached: true, stdio });
    await once(child, 'spawn');
    return child;
  } finally {
    await log.close();
  }
}

/** The file `postmaster.pid` says "ready" in its eighth line, which is what `pg_ctl` waits for. */
async function untilReady(child: ChildProcess, folder: string): Promise<void> {
  const ready = async (): Promise<boolean> => {
    if (hasEnded(child)) throw new Error(`PostgreSQL ended with ${child.exitCode ?? child.signalCode} at once`);
    const [pid, , , , , , , state] = await pidFileOf(folder);
    return Number(pid) === child.pid && state?.trim() === 'ready';
  };
  if (!(await within(READY_WITHIN_MS, ready))) {
    throw new Error(`PostgreSQL did not accept connections within ${READY_WITHIN_MS / 1_000} s`);
  }
}

async function end(child: ChildProcess): Promise<void> {
  child.kill('SIGINT'); // fast shutdown: breaks connections off, writes everything out
  if (await within(STOPPED_WITHIN_MS, () => hasEnded(child))) return;
  child.kill('SIGKILL');
  await within(STOPPED_WITHIN_MS, () => hasEnded(child));
}

const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;
