import { execFile } from 'node:child_process';
import { readFile, readlink, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { within } from './within.js';

const run = promisify(execFile);

export const STOPPED_WITHIN_MS = 10_000;
/** In the temp folder, where the path of a socket in the data folder would be too long. */
export const SOCKET_FOLDER = 'sluice-pg-';

/** Lines of `postmaster.pid`: process, folder, …, the fifth is the socket's folder, the eighth says `ready`. */
export const pidFileOf = async (folder: string): Promise<string[]> =>
  (await readFile(join(folder, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n');

/** Stops the PostgreSQL that a killed parent left running on the folder; it is ours, since we hold the data folder. */
export async function stopOrphan(folder: string): Promise<void> {
  const [line, , , , socketDir] = await pidFileOf(folder);
  const pid = Number(line);
  if (!(pid > 0)) return;
  if (await runsOn(folder, pid)) {
    process.kill(pid, 'SIGINT');
    if (!(await within(STOPPED_WITHIN_MS, async () => !(await runsOn(folder, pid))))) process.kill(pid, 'SIGKILL');
    await within(STOPPED_WITHIN_MS, async () => !(await runsOn(folder, pid)));
  } else if (isAlive(pid)) {
    // The number went to another program meanwhile, as in a restarted container: PostgreSQL would refuse to start.
    await rm(join(folder, 'postmaster.pid'), { force: true });
    await rm(join(socketDir!, '.s.PGSQL.5432.lock'), { force: true });
  } // else the file is stale, which PostgreSQL sees by itself
  if (basename(socketDir ?? '').startsWith(SOCKET_FOLDER)) await rm(socketDir!, { recursive: true, force: true });
}

/** PostgreSQL works in its data folder; a process that nobody has waited for yet works nowhere. */
async function runsOn(folder: string, pid: number): Promise<boolean> {
  if (process.platform === 'linux') return (await readlink(`/proc/${pid}/cwd`).catch(() => '')) === folder;
  const { stdout } = await run('ps', ['-o', 'command=', '-p', String(pid)]).catch(() => ({ stdout: '' }));
  return stdout.includes(`-D ${folder} `);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
