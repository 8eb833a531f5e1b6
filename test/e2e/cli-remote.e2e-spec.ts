import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../eventually.js';
import { freshDatabase, type FreshDatabase } from '../support/own-postgres.js';
import { buildSluice, SluiceProcess, temporaryFolder } from '../support/sluice-process.js';
import { MASTER_KEY, startSluice, type SluiceUnderTest } from '../support/sluice.js';

let store: FreshDatabase;
let sluice: SluiceUnderTest;
const dir = temporaryFolder();

beforeAll(async () => {
  buildSluice();
  store = await freshDatabase();
  const env = { DATABASE_URL: store.url, SLUICE_DATA_DIR: temporaryFolder() };
  sluice = await startSluice([{ profile: 'only' }], { env, yaml: 'litellm_settings: {num_retries: 0}' });
}, 60_000);
afterAll(async () => {
  await sluice?.stop();
  await store?.drop();
});

interface Ran {
  status: unknown;
  stdout: string;
  stderr: string;
}

async function cli(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ran> {
  const from = { SLUICE_URL: sluice.url, SLUICE_API_KEY: MASTER_KEY, ...env };
  const ran = SluiceProcess.run(args, { cwd: dir, env: from });
  const status = await ran.end();
  return { status, stdout: ran.stdout, stderr: ran.stderr };
}
const asJson = async (...args: string[]): Promise<any> => JSON.parse((await cli([...args, '--json'])).stdout);

describe('the commands that speak HTTP', () => {
  it('submit a job, show it, follow its events, and print its answer', async () => {
    const prompt = ['--model', sluice.group, '--prompt', 'Say hello.', '--metadata', 'order=66'];
    const submitted = await cli(['jobs', 'submit', ...prompt]);
    expect([submitted.status, submitted.stderr]).toEqual([0, '']);
    expect(submitted.stdout).toMatch(/^metadata order +66$/m);
    const id = /^id +(job_\w+)$/m.exec(submitted.stdout)![1]!;
    await cli(['jobs', 'get', id, '--wait', '20']);

    expect(await asJson('jobs', 'get', id)).toMatchObject({ id, object: 'job', status: 'completed' });
    expect(await asJson('jobs', 'get', id, '--result')).toMatchObject({ object: 'chat.completion' });
    const events = await cli(['jobs', 'events', id]);
    expect(events.stdout).toMatch(/^ +1 {2}\S+ {2}job\.queued/);
    expect(events.stdout).toContain('job.completed');
    const [first] = (await cli(['jobs', 'events', id, '--json'])).stdout.split('\n');
    expect(JSON.parse(first!)).toMatchObject({ seq: 1, type: 'job.queued', job_id: id });

    await eventually(async () => (await cli(['jobs', 'list'])).stdout.includes(id), {
      withinMs: 10_000,
      what: 'the job in the list',
    });
    const list = await cli(['jobs', 'list', '--status', 'completed', '--metadata', 'order=66']);
    expect(list.stdout.split('\n')[0]).toMatch(/^ID +STATUS +MODEL +PRIORITY +ATTEMPTS +CREATED +TOOK +ERROR$/);
    expect((await asJson('jobs', 'list', '--metadata', 'order=67')).data).toEqual([]);
  }, 60_000);

  it('wait for a job and print its answer, as it comes for people, with the job for programs', async () => {
    sluice.simulator.setProfile('only', { answer: { text: 'Hello, you.\u001b[31m' } });
    const prompt = ['--model', sluice.group, '--prompt', 'Say hello.', '--wait', '20'];
    const streamed = await cli(['jobs', 'submit', ...prompt]);
    expect(streamed).toMatchObject({ status: 0, stdout: 'Hello, you. [31m\n' });
    expect(streamed.stderr).toMatch(/^status +completed$/m); // beside it: `> FILE` holds the answer alone
    const id = /^id +(job_\w+)$/m.exec(streamed.stderr)![1]!;
    expect((await cli(['jobs', 'events', id])).stdout).toContain('job.output');

    const whole = join(dir, 'whole.json');
    const body = { model: sluice.group, messages: [{ role: 'user', content: 'Say hello.' }] };
    writeFileSync(whole, JSON.stringify({ endpoint: '/v1/chat/completions', body }));
    expect(await cli(['jobs', 'submit', whole, '--wait', '20'])).toMatchObject({ stdout: streamed.stdout });
    const told = await asJson('jobs', 'submit', whole, '--wait', '20');
    expect(told).toMatchObject({ status: 'completed', result: { choices: [{ message: { content: 'Hello, you.\u001b[31m' } }] } }); // prettier-ignore

    sluice.simulator.setProfile('only', { rules: [{ do: { status: 500 } }] });
    const failed = await cli(['jobs', 'submit', ...prompt]);
    expect(failed).toMatchObject({ status: 1, stderr: '', stdout: expect.stringMatching(/^error +provider_error/m) });
    sluice.simulator.setProfile('only', {});
  }, 60_000);

  it('walk the dead letters: list, show with what was tried, retry edited, dismiss', async () => {
    sluice.simulator.setProfile('only', { rules: [{ do: { status: 500 } }] });
    const file = join(dir, 'job.json');
    const body = { model: sluice.group, messages: [{ role: 'user', content: 'Say hello.' }] };
    writeFileSync(file, JSON.stringify({ endpoint: '/v1/chat/completions', body }));
    const submitted = await cli(['jobs', 'submit', file, '--wait', '20', '--json']);
    expect(submitted.status).toBe(1); // it came to nothing
    const { id } = JSON.parse(submitted.stdout);
    await eventually(async () => (await asJson('dlq', 'list')).data.some((job: { id: string }) => job.id === id), {
      withinMs: 10_000,
      what: 'the dead letter',
    });
    const shown = await cli(['dlq', 'show', id]);
    expect(shown.stdout).toMatch(/^error +provider_error: /m);
    expect(shown.stdout).toMatch(/^#  DEPLOYMENT/m);
    expect(shown.stdout).toContain('server 500');

    sluice.simulator.setProfile('only', {});
    const retried = await asJson('dlq', 'retry', id, '--body', '{"max_tokens": 5}');
    expect(retried).toMatchObject({ object: 'job', retried_from: id });
    expect(await asJson('jobs', 'get', retried.id, '--wait', '20')).toMatchObject({ status: 'completed' });
    expect((await cli(['dlq', 'list'])).stdout).not.toContain(id); // the new job stands for it
    expect((await cli(['dlq', 'show', id])).stdout).toMatch(new RegExp(`^retried as +${retried.id}$`, 'm'));
    expect((await cli(['jobs', 'list', '--status', 'failed'])).stdout).toMatch(new RegExp(`^${id} .* ${retried.id}$`, 'm')); // prettier-ignore
    expect((await cli(['dlq', 'dismiss', id])).status).toBe(0);
  }, 60_000);

  it('pause, purge and resume a queue, cancel what waits, and show who works', async () => {
    const { group } = sluice;
    expect((await cli(['queues', 'pause', group])).stdout).toMatch(/ paused /);
    const ids = await Promise.all([1, 2].map(async () => (await asJson('jobs', 'submit', '--model', group, '--prompt', 'x')).id)); // prettier-ignore
    expect((await asJson('jobs', 'cancel', ids[0])).status).toBe('cancelled');
    const unsure = await cli(['queues', 'purge', group]);
    expect(unsure).toMatchObject({ status: 1, stderr: expect.stringMatching(/^sluice: This cancels .* Say --yes/) });
    expect((await cli(['queues', 'purge', group, '--yes'])).stdout).toBe('1 cancelled.\n');
    expect((await asJson('queues', 'resume', group)).paused).toBe(false);
    expect((await cli(['queues', 'list'])).stdout).toMatch(/^GROUP +STATE +WAITING/);
    const workers = await asJson('workers', 'list');
    const mine = workers.data.find((worker: { groups: string[] }) => worker.groups.includes(group));
    expect((await cli(['workers', 'drain', mine.id])).stdout).toContain('draining');
    await sluice.addWorker();
  }, 60_000);

  it('take no empty id for all jobs', async () => {
    for (const command of ['get', 'cancel', 'events']) {
      expect(await cli(['jobs', command, ''])).toMatchObject({ status: 1, stderr: 'sluice: The id is empty.\n' });
    }
  });

  it('say in a sentence what went wrong, and by their status who is to blame', async () => {
    const unknown = await cli(['jobs', 'get', `job_${'0'.repeat(32)}`]);
    expect(unknown).toMatchObject({
      status: 1,
      stdout: '',
      stderr: expect.stringMatching(/^sluice: .*\(not_found\)\n$/),
    });
    const stranger = await cli(['queues', 'list'], { SLUICE_API_KEY: 'sk-wrong' });
    expect(stranger).toMatchObject({ status: 1, stderr: expect.stringContaining('--key') });
    const nobody = await cli(['queues', 'list', '--url', 'http://127.0.0.1:1']);
    expect(nobody).toMatchObject({ status: 2, stderr: expect.stringMatching(/^sluice: No Sluice answers at /) });
    const badJson = await cli(['dlq', 'retry', `job_${'0'.repeat(32)}`, '--body', '{']);
    expect(badJson).toMatchObject({ status: 1, stderr: expect.stringContaining('--body cannot be used as JSON') });
  }, 60_000);
});
