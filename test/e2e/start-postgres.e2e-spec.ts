import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createSimulator, type Simulator } from '../../apps/simulator/src/create-simulator.js';
import pg from 'pg';
import { eventually } from '../eventually.js';
import { nativeJobs } from '../support/native-jobs.js';
import { freshDatabase } from '../support/own-postgres.js';
import { buildSluice, SluiceProcess, temporaryFolder } from '../support/sluice-process.js';
import { configFor } from '../support/sluice.js';

const GROUP = 'gpt-4o';
let simulator: Simulator;
let cwd: string;
let running: SluiceProcess[] = [];

beforeAll(() => buildSluice(), 60_000);
beforeEach(async () => {
  simulator = await createSimulator({ port: 0 });
  cwd = temporaryFolder();
  writeFileSync(join(cwd, 'config.yaml'), configFor(simulator.origin, GROUP, [{ profile: 'only' }]));
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((each) => each.end('SIGKILL')));
  await simulator.stop();
});

async function start(): Promise<SluiceProcess> {
  const sluice = SluiceProcess.run(['start', '--port', '0', '--host', '127.0.0.1'], { cwd });
  running.push(sluice);
  return sluice.untilUp();
}
const jobsOf = ({ origin: url }: SluiceProcess): ReturnType<typeof nativeJobs> => nativeJobs({ url, group: GROUP });
const folder = (): string => join(cwd, 'data', 'postgres');
const serverOf = (): number => Number(readFileSync(join(folder(), 'postmaster.pid'), 'utf8').split('\n')[0]);
const isAlive = (pid: number): boolean =>
  existsSync(`/proc/${pid}/fd`) && readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]![0] !== 'Z';

describe('sluice migrate', () => {
  it('makes the tables once, and says what it needs', async () => {
    const fresh = await freshDatabase();
    const client = new pg.Client(fresh.url);
    await client.connect();
    await client.query('drop schema sluice cascade; drop schema sluice_migrations cascade');
    const migrate = async (env: NodeJS.ProcessEnv): Promise<[unknown, string]> => {
      const run = SluiceProcess.run(['migrate'], { cwd, env });
      return [await run.end(), run.stdout + run.stderr];
    };
    expect(await migrate({ DATABASE_URL: fresh.url })).toEqual([
      0,
      expect.stringMatching(/up to date: \d+ migrations? run/),
    ]);
    expect(await migrate({ DATABASE_URL: fresh.url })).toEqual([0, 'The database is up to date.\n']);
    expect((await client.query('select id from sluice.job_history')).rows).toEqual([]);
    expect(await migrate({})).toEqual([1, expect.stringContaining('needs DATABASE_URL')]);
    const [status, said] = await migrate({ DATABASE_URL: 'postgres://u:secret@127.0.0.1:1/x' });
    expect([status, said]).toEqual([1, expect.stringContaining('could not be brought up to date')]);
    expect(said).not.toContain('secret');
    await client.end();
    await fresh.drop();
  });
});

describe('the PostgreSQL of `sluice start`', () => {
  it('starts with the first need of it, is started again when it dies, and stops with Sluice', async () => {
    const sluice = await start();
    const jobs = jobsOf(sluice);
    const plain = await jobs.send('POST', '/v1/chat/completions', jobs.create()['body']);
    expect(plain.status).toBe(200);
    expect(existsSync(folder())).toBe(false);

    const { body: job } = await jobs.submit({}, {}, { prefer: 'wait=20' });
    await eventually(async () => (await jobs.send('GET', '/v1/jobs')).body['data']?.[0]?.id === job['id'], {
      withinMs: 20_000,
      what: 'the job in the list',
    });
    const first = serverOf();
    process.kill(first, 'SIGKILL');
    await eventually(async () => (await jobs.send('GET', '/v1/jobs')).status === 200 && serverOf() !== first, {
      withinMs: 20_000,
      what: 'another server',
    });
    expect((await jobs.send('GET', '/v1/jobs')).body['data']).toHaveLength(1);
    const second = serverOf();
    expect(await sluice.end('SIGTERM')).toBe(0);
    expect(isAlive(second)).toBe(false);
    expect(existsSync(join(folder(), 'postmaster.pid'))).toBe(false);
  }, 60_000);

  it('ends when Sluice is killed, and the next start has what it had', async () => {
    const killed = await start();
    const { body: job } = await jobsOf(killed).submit({}, {}, { prefer: 'wait=20' });
    const has = async (sluice: SluiceProcess): Promise<boolean> =>
      (await jobsOf(sluice).send('GET', '/v1/jobs?status=completed')).body['data']?.[0]?.id === job['id'];
    await eventually(() => has(killed), { withinMs: 20_000, what: 'the job in the list' });
    const server = serverOf();
    await killed.end('SIGKILL');
    await eventually(() => !isAlive(server), { withinMs: 10_000, what: 'PostgreSQL to end' });
    const next = await start();
    await eventually(() => has(next), { withinMs: 20_000, what: 'the job in the list again' });
    expect(serverOf()).not.toBe(server);
  }, 60_000);
});
