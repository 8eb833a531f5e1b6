import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { openRedis } from '@sluice/state';
import { eventually } from '../eventually.js';
import { EventReader, eventsOf, seqsOf, textOf, typesOf } from '../support/job-events.js';
import { nativeJobs } from '../support/native-jobs.js';
import { startSluice, type SluiceUnderTest } from '../support/sluice.js';
import { withSluice } from '../support/with-sluice.js';

const TEXT = 'One two three four five six seven eight nine ten.';
const SOON = { withinMs: 5_000, what: 'the events to come' };

let sluice: SluiceUnderTest;
let jobs: ReturnType<typeof nativeJobs>;

const YAML = 'router_settings: {num_retries: 1, disable_cooldowns: true}\nsluice: {retry_budget: 1}';
beforeAll(async () => {
  const order = [1, 2].map((n) => `order: ${n}, input_cost_per_token: 0.001, output_cost_per_token: 0.002`);
  const first = { profile: 'first', params: order[0]! };
  sluice = await startSluice([first, { profile: 'second', params: order[1]! }], { yaml: YAML, times: { heartbeatMs: 200 } }); // prettier-ignore
  jobs = nativeJobs(sluice);
});
afterAll(() => sluice?.stop());
beforeEach(() => {
  for (const name of ['first', 'second']) sluice.simulator.setProfile(name, { answer: { text: TEXT } });
});

const stream = async (members: Record<string, unknown> = {}, body: Record<string, unknown> = {}): Promise<string> =>
  (await jobs.submit(members, { stream: true, ...body })).body['id'] as string;
const numbers = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);
const attemptsOf = async (id: string) => (await jobs.send('GET', `/v1/jobs/${id}/attempts`)).body['data'];

describe("a job's events", () => {
  it('tell of a stream from the queue to its end, live and afterwards the same', async () => {
    const id = await stream();
    const live = new EventReader(sluice.url, id);
    expect(await live.ended).toBe('ended');
    expect(Object.fromEntries(live.headers)).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-sluice-job-id': id,
    });
    const { events } = live;
    expect(typesOf(events)).toEqual(['queued', 'attempt_started', 'output', 'completed']);
    expect(seqsOf(events)).toEqual(numbers(1, events.length));
    expect(textOf(events)).toBe(TEXT);
    expect(events.find(({ type }) => type === 'job.attempt_started')).toMatchObject({
      attempt: 1,
      deployment: `${sluice.group}-first`,
      job_id: id,
    });
    const outputs = events.filter(({ type }) => type === 'job.output');
    expect(outputs.every(({ attempt }) => attempt === 1)).toBe(true);
    expect(outputs.at(-1)!.chunk!.choices![0]!.finish_reason).toBe('stop');
    expect(events.at(-1)).toMatchObject({ usage: { estimated: false }, cost_usd: expect.any(Number) });

    expect(await eventsOf(sluice.url, id)).toEqual(events);
    const { body } = await jobs.result(id);
    expect(body).toMatchObject({ object: 'chat.completion', choices: [{ message: { content: TEXT }, finish_reason: 'stop' }] }); // prettier-ignore
    expect((await jobs.look(id)).body['last_seq']).toBe(events.length);
  });

  it('go on after the number that the reader says, in the query or as an EventSource does', async () => {
    const id = await stream();
    const events = await eventsOf(sluice.url, id);
    for (const after of [1, 2, 5, events.length - 2, events.length - 1, events.length, events.length + 7]) {
      expect(await eventsOf(sluice.url, id, after)).toEqual(events.slice(after));
      expect(await eventsOf(sluice.url, id, String(after))).toEqual(events.slice(after));
    }
    const both = await fetch(`${sluice.url}/v1/jobs/${id}/events?starting_after=${events.length - 1}`, {
      headers: { authorization: 'Bearer sk-test-master', 'last-event-id': '1' },
    });
    expect((await both.text()).startsWith(`id: ${events.length}\n`)).toBe(true);
  });

  it('of a job without stream have no output', async () => {
    const { body } = await jobs.submit();
    const events = await eventsOf(sluice.url, body['id']);
    expect(events.map(({ type }) => type)).toEqual(['job.queued', 'job.attempt_started', 'job.completed']);
  });

  it('tell of a failed attempt, whoever reads them and when', async () => {
    sluice.simulator.setProfile('first', { rules: [{ times: 1, do: { kind: 'server' } }] });
    const id = await stream();
    const events = await eventsOf(sluice.url, id);
    expect(typesOf(events)).toEqual(['queued', 'attempt_started', 'attempt_failed', 'attempt_started', 'output', 'completed']); // prettier-ignore
    expect(events[2]).toMatchObject({
      attempt: 1,
      error: { kind: 'server', code: 'provider_error', http_status: 500 },
    });
    expect(events.at(-2)).toMatchObject({ type: 'job.output', attempt: 2 });

    const [one, two] = await attemptsOf(id);
    expect(one).toMatchObject({
      id: expect.stringMatching(/^att_[0-9a-f]{32}$/),
      number: 1,
      deployment: `${sluice.group}-first`,
      provider: 'openai',
      model: 'gpt-4o',
      outcome: 'failed',
      error: { kind: 'server', http_status: 500 },
      provider_request_id: expect.any(String),
      usage: null,
    });
    expect(one.considered).toContainEqual({ deployment: `${sluice.group}-first`, verdict: 'chosen', reason: null, until: null }); // prettier-ignore
    expect(two).toMatchObject({
      number: 2,
      outcome: 'succeeded',
      error: null,
      ttft_ms: expect.any(Number),
      cost_usd: expect.any(Number),
      provider_request_id: expect.any(String),
      usage: { input_tokens: expect.any(Number) },
    });
    expect((await jobs.look(id)).body).toMatchObject({ attempts: 2, cost_usd: two.cost_usd });
  });

  it('end with the error of a job that failed', async () => {
    for (const name of ['first', 'second'])
      sluice.simulator.setProfile(name, { rules: [{ do: { kind: 'bad_request' } }] });
    const events = await eventsOf(sluice.url, await stream());
    expect(events.at(-1)).toMatchObject({ type: 'job.failed', error: { code: 'invalid_request', type: 'invalid_request_error' } }); // prettier-ignore
  });

  it('continue an answer that broke off, and say of each chunk whose it is', async () => {
    sluice.simulator.setProfile('first', { answer: { text: TEXT }, rules: [{ do: { cutAfter: 4 } }] });
    const id = await stream();
    const events = await eventsOf(sluice.url, id);
    expect(typesOf(events)).toEqual(['queued', 'attempt_started', 'output', 'attempt_failed', 'attempt_started', 'output', 'completed']); // prettier-ignore
    expect(textOf(events)).toBe(TEXT);
    const outputs = events.filter(({ type }) => type === 'job.output').map(({ attempt }) => attempt);
    expect([outputs[0], outputs.at(-1)]).toEqual([1, 2]);
    expect((await jobs.result(id)).body).toMatchObject({ choices: [{ message: { content: TEXT } }] });
  });

  it('give an answer that broke off anew where midstream is restart', async () => {
    sluice.simulator.setProfile('first', {
      answer: { text: 'Something else entirely.' },
      rules: [{ do: { cutAfter: 4 } }],
    });
    const id = await stream({ midstream: 'restart' });
    const events = await eventsOf(sluice.url, id);
    expect(typesOf(events)).toEqual(['queued', 'attempt_started', 'output', 'attempt_failed', 'output_reset', 'attempt_started', 'output', 'completed']); // prettier-ignore
    expect(events.find(({ type }) => type === 'job.output_reset')).toMatchObject({ attempt: 1 });
    expect(textOf(events)).toBe(TEXT);
    expect((await jobs.result(id)).body).toMatchObject({ choices: [{ message: { content: TEXT } }] });
    expect(await eventsOf(sluice.url, id, 3)).toEqual(events.slice(3));
  });

  it('end an answer that broke off where midstream is error', async () => {
    sluice.simulator.setProfile('first', { answer: { text: TEXT }, rules: [{ do: { cutAfter: 4 } }] });
    const events = await eventsOf(sluice.url, await stream({ midstream: 'error' }));
    expect(typesOf(events)).toEqual(['queued', 'attempt_started', 'output', 'attempt_failed', 'failed']);
    expect(events.at(-1)).toMatchObject({ error: { code: 'upstream_interrupted' } });
  });

  it('say that a job waits for its time, and that it was cancelled', async () => {
    const { body } = await jobs.submit({ not_before: Math.ceil(Date.now() / 1_000) + 600 });
    const reader = new EventReader(sluice.url, body['id']);
    await eventually(() => reader.events.length === 2 && reader.comments.length > 0, SOON); // and its heart beats
    expect(reader.comments[0]).toBe(':hb');
    expect(reader.events).toMatchObject([
      { seq: 1, type: 'job.queued' },
      { seq: 2, type: 'job.delayed', not_before: body['not_before'], reason: 'not_before' },
    ]);
    await jobs.cancel(body['id']);
    expect(await reader.ended).toBe('ended');
    expect(reader.events[2]).toMatchObject({ seq: 3, type: 'job.cancelled' });
    expect(reader.events).toHaveLength(3);
  });

  it('tell the end alone when the stream is gone, under its number', async () => {
    const id = await stream();
    const events = await eventsOf(sluice.url, id);
    const redis = openRedis(process.env['REDIS_URL']!, { role: 'worker', onError: () => undefined });
    await redis.del(`{sluice:${sluice.group}}:stream:${id}`);
    redis.disconnect();
    expect(await eventsOf(sluice.url, id, 3)).toEqual(events.slice(-1));
    expect(await eventsOf(sluice.url, id)).toEqual(events.slice(-1));
    expect((await jobs.result(id)).body).toMatchObject({ choices: [{ message: { content: TEXT } }] });
  });

  it('are there for a call that was waited for as well: its chunks and its end', async () => {
    const response = await sluice.call({ stream: true });
    const id = response.headers.get('x-sluice-job-id')!;
    const chunks = (await response.text()).split('\n\n').filter((event) => event.startsWith('data: {'));
    const events = await eventsOf(sluice.url, id);
    expect(events.map(({ chunk }) => chunk && `data: ${JSON.stringify(chunk)}`)).toEqual([...chunks, undefined]);
    expect(await eventsOf(sluice.url, id, 5)).toEqual(events.slice(5));
  });

  it('show an attempt that runs', async () => {
    sluice.simulator.setProfile('first', { latency: { p50: 60_000 } });
    const id = await stream();
    await eventually(async () => (await attemptsOf(id)).length === 1, SOON);
    expect(await attemptsOf(id)).toMatchObject([{ number: 1, outcome: null, finished_at: null, deployment: `${sluice.group}-first` }]); // prettier-ignore
    expect((await jobs.look(id)).body).toMatchObject({ status: 'running', attempts: 1, deployment: `${sluice.group}-first` }); // prettier-ignore
    await jobs.cancel(id);
    const events = await eventsOf(sluice.url, id);
    expect(events.at(-1)!.type).toBe('job.cancelled');
    expect(await attemptsOf(id)).toMatchObject([{ number: 1, outcome: 'cancelled', error: null }]);
    expect((await jobs.look(id)).body).toMatchObject({ attempts: 1, deployment: `${sluice.group}-first` });
  });

  it('show whom a running job asks now, without reading its events', async () => {
    sluice.simulator.setProfile('first', { rules: [{ do: { kind: 'server' } }] });
    sluice.simulator.setProfile('second', { latency: { p50: 60_000 } });
    const id = (await jobs.submit()).body['id'] as string;
    const second = { status: 'running', attempts: 2, deployment: `${sluice.group}-second` };
    await eventually(async () => (await jobs.look(id)).body['attempts'] === 2, SOON);
    expect((await jobs.look(id)).body).toMatchObject(second);
    await jobs.cancel(id);
    expect((await jobs.ended(id)).body).toMatchObject({ ...second, status: 'cancelled' });
  });
});

describe('a job that waits again after an attempt', () => {
  it('says once that it is delayed, and keeps its attempts when it is cancelled there', async () => {
    const scripts = { only: { rules: [{ do: { retryAfterMs: 60_000 } }] } };
    await withSluice([{ profile: 'only' }], { scripts }, async (cooling) => {
      const its = nativeJobs(cooling);
      const id = (await its.submit({}, { stream: true })).body['id'] as string;
      const reader = new EventReader(cooling.url, id);
      await eventually(() => typesOf(reader.events).at(-1) === 'delayed', SOON);
      expect(reader.events.at(-1)).toMatchObject({ reason: 'no_capacity', not_before: expect.any(Number) });
      await its.cancel(id);
      expect(await reader.ended).toBe('ended');
      expect(typesOf(reader.events)).toEqual(['queued', 'attempt_started', 'attempt_failed', 'delayed', 'cancelled']);
      const { body } = await its.send('GET', `/v1/jobs/${id}/attempts`);
      expect(body['data']).toMatchObject([{ number: 1, outcome: 'failed', error: { kind: 'rate_limit' } }]);
      expect(await eventsOf(cooling.url, id)).toEqual(reader.events);
    });
  });
});

describe('who asks for events wrongly', () => {
  const ask = async (path: string, headers: Record<string, string> = {}) => {
    const { status, body } = await jobs.send('GET', path, undefined, headers);
    return [status, body['error'].code, body['error'].param];
  };

  it('is told what a number must be', async () => {
    const { body } = await jobs.submit();
    const path = `/v1/jobs/${body['id']}/events`;
    for (const bad of ['-1', '1.5', 'x', '', '9999999999999999']) {
      expect(await ask(`${path}?starting_after=${bad}`)).toEqual([400, 'invalid_request', 'starting_after']);
    }
    expect(await ask(path, { 'last-event-id': 'abc' })).toEqual([400, 'invalid_header', 'Last-Event-ID']);
  });

  it('finds no job of another, nor one that is none', async () => {
    const { body } = await jobs.submit();
    for (const route of ['events', 'attempts']) {
      const other = await jobs.send('GET', `/v1/jobs/${body['id']}/${route}`, undefined, {
        'x-sluice-tenant': 'other',
      });
      expect(other.status).toBe(404);
      expect((await ask(`/v1/jobs/job_${'0'.repeat(32)}/${route}`)).slice(0, 2)).toEqual([404, 'not_found']);
      expect((await ask(`/v1/jobs/nonsense/${route}`)).slice(0, 2)).toEqual([404, 'not_found']);
    }
  });
});
