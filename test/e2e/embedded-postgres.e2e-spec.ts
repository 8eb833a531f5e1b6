import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readlinkSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../../apps/cli/src/postgres/embedded-postgres.js';
import { eventually } from '../eventually.js';

const isRoot = process.getuid?.() === 0;

describe('the embedded PostgreSQL', () => {
  let dir: string;
  let server: EmbeddedPostgres | undefined;

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'sluice-pg-test-'));
    await chmod(dir, 0o755);
  });
  afterEach(async () => {
    await server?.stop();
    server = undefined;
    await rm(dir, { recursive: true, force: true });
  });

  async function ask(statement: string): Promise<unknown> {
    const client = new pg.Client(server!.url);
    await client.connect();
    try {
      return (await client.query<{ n: number }>(statement)).rows[0]?.n;
    } finally {
      await client.end();
    }
  }

  it('keeps its data from one start to the next', async () => {
    server = await startEmbeddedPostgres(dir);
    await ask('create table kept as select 7 as n');
    await Promise.all([server.stop(), server.stop()]);

    server = await startEmbeddedPostgres(dir);
    expect(await ask('select n from kept')).toBe(7);
  });

  it('ends with its parent, also when that is killed', async () => {
    const left = await startInProcessThatIsKilled(dir);
    await eventually(() => !isRunning(left), { withinMs: 10_000, what: 'PostgreSQL to end' });
  });

  it('is taken over from a parent that was killed with all beside it', async () => {
    const orphan = await startInProcessThatIsKilled(dir, 'and its watchdog');
    expect(isRunning(orphan)).toBe(true);

    server = await startEmbeddedPostgres(dir);

    expect(server.pid).not.toBe(orphan);
    expect(isRunning(orphan)).toBe(false);
    expect(await ask('select 1 as n')).toBe(1);
  });

  it('starts after it was killed itself', async () => {
    server = await startEmbeddedPostgres(dir);
    await ask('create table kept as select 7 as n');
    process.kill(server.pid, 'SIGKILL');
    await server.stop();

    server = await startEmbeddedPostgres(dir);
    expect(await ask('select n from kept')).toBe(7);
  });

  it('starts when the number in its pid file went to another program', async () => {
    server = await startEmbeddedPostgres(dir);
    const pidFile = join(dir, 'postgres', 'postmaster.pid');
    const lines = (await readFile(pidFile, 'utf8')).split('\n');
    await server.stop();
    const other = spawn('sleep', ['60'], isRoot ? { uid: 65_534, gid: 65_534 } : {});
    await once(other, 'spawn');
    await writeFile(pidFile, [String(other.pid), ...lines.slice(1)].join('\n'));

    server = await startEmbeddedPostgres(dir);

    expect(isRunning(other.pid!)).toBe(true);
    other.kill('SIGKILL');
  });

  it('listens elsewhere when the path of its socket would be too long', async () => {
    const long = join(dir, 'a folder, with a long name, '.repeat(4));
    await mkdir(long);
    server = await startEmbeddedPostgres(long);
    expect(server.url).toContain(encodeURIComponent(join(tmpdir(), 'sluice-pg-')));
    expect(await ask('select 1 as n')).toBe(1);
  });

  it('says what PostgreSQL said when it does not start', async () => {
    await mkdir(join(dir, 'postgres'), { mode: 0o700 });
    if (isRoot) await chown(join(dir, 'postgres'), 65_534, 65_534);
    await expect(startEmbeddedPostgres(dir)).rejects.toThrow(/PostgreSQL ended with \d at once: .*postgresql.conf/s);
  });

  it('finds a place of its own when its user cannot reach the folder, as under root', async () => {
    await chmod(dir, 0o700);
    server = await startEmbeddedPostgres(dir);
    await ask('create table kept as select 7 as n');
    await server.stop();

    server = await startEmbeddedPostgres(dir);
    expect(await ask('select n from kept')).toBe(7);
    await server.stop();
    await rm(await realpath(join(dir, 'postgres')), { recursive: true });
  });
});

/** @returns the number of the server: what becomes of it, the test sees */
async function startInProcessThatIsKilled(dir: string, how?: 'and its watchdog'): Promise<number> {
  const file = join(import.meta.dirname, '../../apps/cli/src/postgres/embedded-postgres.ts');
  const script = `
    const { registerHooks } = await import('node:module');
    registerHooks({ resolve: (name, context, next) => next(name.startsWith('.') ? name.replace(/[.]js$/, '.ts') : name, context) });
    const { startEmbeddedPostgres } = await import(${JSON.stringify(file)});
    console.log((await startEmbeddedPostgres(${JSON.stringify(dir)})).pid);
    setInterval(() => undefined, 1_000);`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [pid] = (await once(parent.stdout, 'data')) as [Buffer];
  if (how !== undefined) for (const watchdog of childrenOf(parent.pid!, 'sh')) process.kill(watchdog, 'SIGKILL');
  parent.kill('SIGKILL');
  await once(parent, 'exit');
  return Number(pid);
}

function childrenOf(pid: number, program: string): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);
  return children.filter((child) => readFileSync(`/proc/${child}/comm`, 'utf8').trim() === program);
}

/** A process that has ended and that nobody has waited for yet has a number still, but no program. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return process.platform !== 'linux' || readlinkSync(`/proc/${pid}/exe`) !== '';
  } catch {
    return false;
  }
}
