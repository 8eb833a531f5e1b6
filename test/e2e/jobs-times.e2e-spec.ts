import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '../eventually.js';
import { nativeJobs } from '../support/native-jobs.js';
import { startSluice, type SluiceUnderTest } from '../support/sluice.js';

let sluice: SluiceUnderTest;
let jobs: ReturnType<typeof nativeJobs>;

beforeAll(async () => {
  sluice = await startSluice([{ profile: 'only' }, { profile: 'limited', group: 'limited', params: 'rpm: 1' }], {
    yaml: 'router_settings: {num_retries: 0}',
    workers: 0,
  });
  jobs = nativeJobs(sluice);
});
afterAll(() => sluice?.stop());
beforeEach(() => {
  sluice.simulator.setProfile('only', {});
  sluice.simulator.setProfile('limited', {});
});

describe('while there is no worker', () => {
  it('a job waits for one, in its place; one whose queue time ends meanwhile has expired when one comes', async () => {
    const waiting = await Promise.all([1, 2, 3].map(() => jobs.submit()));
    expect(waiting.map(({ status, body }) => [status, body['status']])).toEqual(waiting.map(() => [202, 'queued']));
    const last = await jobs.submit();
    expect((await jobs.look(last.body['id'])).body['queue_position']).toBe(4);
    const late = await jobs.submit({ queue_ttl: '100ms' });
    expect(late.body['queue_expires_at'] - late.body['created_at']).toBeLessThanOrEqual(1);
    const outrun = await jobs.submit({ deadline: '150ms' });

    await sluice.addWorker();
    for (const { body } of [...waiting, last]) expect((await jobs.ended(body['id'])).body['status']).toBe('completed');
    const expired = { status: 'expired', started_at: null, attempts: 0, result_expires_at: null };
    expect((await jobs.ended(late.body['id'])).body).toMatchObject({
      ...expired,
      error: { code: 'queue_ttl_exceeded' },
    });
    expect((await jobs.ended(outrun.body['id'])).body).toMatchObject({ status: 'expired' });
    expect(await jobs.result(late.body['id'])).toMatchObject({
      status: 504,
      body: { error: { code: 'queue_ttl_exceeded' } },
    });
    expect((await jobs.result(late.body['id'])).headers.get('x-should-retry')).toBe('false');
  });
});

describe('a job', () => {
  beforeAll(() => sluice.addWorker());

  it('does not start before its time, and soon after (F29)', async () => {
    const notBefore = Date.now() / 1_000 + 1.5;
    const { body } = await jobs.submit({ not_before: notBefore });
    expect(body).toMatchObject({ status: 'delayed', not_before: Math.floor(notBefore), started_at: null });
    const { body: ended } = await jobs.ended(body['id']);
    expect(ended['status']).toBe('completed');
    const { atMs } = sluice.simulator.requests({ profile: 'only' }).at(-1)!;
    expect(atMs).toBeGreaterThanOrEqual(notBefore * 1_000 - 5);
    expect(ended['timings']['delayed_ms']).toBeGreaterThan(1_000);
  });

  it('is ended by its deadline while it runs, and its attempt by execution_timeout', async () => {
    sluice.simulator.setProfile('only', { rules: [{ do: { hang: true } }] });
    const { body: ended } = await jobs.submit({ deadline: '400ms' }, {}, { prefer: 'wait=20' });
    expect(ended).toMatchObject({ status: 'expired', error: { code: 'deadline_exceeded' } });
    const { body: timed } = await jobs.submit({ execution_timeout: '200ms' }, {}, { prefer: 'wait=20' });
    expect(timed).toMatchObject({ status: 'failed', error: { code: 'provider_timeout' }, attempts: 1 });
  });

  it('waits for capacity, and says so when there was none in its time', async () => {
    const model = `${sluice.group}-limited`;
    expect((await jobs.submit({}, { model }, { prefer: 'wait=20' })).body['status']).toBe('completed');
    const { status, body } = await jobs.submit({ queue_ttl: '3s' }, { model });
    expect(status).toBe(202);
    expect((await jobs.ended(body['id'])).body).toMatchObject({ status: 'expired', error: { code: 'no_capacity' } });
  });

  it('waits out an outage that fails a call', async () => {
    sluice.simulator.setProfile('only', { rules: [{ do: { kind: 'auth' } }] });
    expect((await jobs.submit({}, {}, { prefer: 'wait=20' })).body).toMatchObject({ error: { code: 'provider_auth' } });
    const { body } = await jobs.submit();
    sluice.simulator.setProfile('only', {});
    expect((await jobs.look(body['id'], '?wait=0.5')).body).toMatchObject({
      status: expect.stringMatching(/queued|running/),
    });
    await jobs.send('POST', `/v1/deployments/${sluice.group}-only/reset`);
    expect((await jobs.ended(body['id'])).body['status']).toBe('completed');
  });
});

describe('what is kept', () => {
  it('result 0: until it is fetched', async () => {
    const { body } = await jobs.submit({ retention: { result: 0 } }, {}, { prefer: 'wait=20' });
    expect(body).toMatchObject({ status: 'completed', result_expires_at: null });
    expect((await jobs.result(body['id'])).status).toBe(200);
    expect(await jobs.result(body['id'])).toMatchObject({ status: 410, body: { error: { code: 'result_expired' } } });
    expect((await jobs.look(body['id'])).body['status']).toBe('completed');
  });

  it('a result as long as was said', async () => {
    const { body } = await jobs.submit({ retention: { result: '1s' } }, {}, { prefer: 'wait=20' });
    expect((await jobs.result(body['id'])).status).toBe(200);
    const isGone = async (): Promise<boolean> => (await jobs.result(body['id'])).status === 410;
    await eventually(isGone, { withinMs: 5_000, what: 'the result to expire' });
  });

  it('request 0: not even of a dead letter', async () => {
    sluice.simulator.setProfile('only', { rules: [{ do: { kind: 'bad_request' } }] });
    const { body } = await jobs.submit({ retention: { request: 0 } }, {}, { prefer: 'wait=20' });
    expect(body['status']).toBe('failed');
    expect(await jobs.retry(body['id'])).toMatchObject({
      status: 409,
      body: { error: { code: 'request_not_retained' } },
    });
  });
});

describe('a streamed job', () => {
  it('shows what it has said so far, and gives its answer whole', async () => {
    sluice.simulator.setProfile('only', {
      answer: { text: 'one two three four five six seven eight' },
      tokensPerSecond: 20,
    });
    const { body } = await jobs.submit({}, { stream: true });
    const said = async (): Promise<string> =>
      (await jobs.look(body['id'], '?include=output')).body['output_so_far'] ?? '';
    await eventually(async () => (await said()).includes('two'), { withinMs: 10_000, what: 'some output' });
    expect((await jobs.ended(body['id'])).body['status']).toBe('completed');
    const { body: result } = await jobs.result(body['id']);
    expect(result).toMatchObject({
      object: 'chat.completion',
      choices: [{ message: { role: 'assistant' }, finish_reason: 'stop' }],
    });
    expect(result['choices'][0].message.content).toBe(await said());
  });
});
