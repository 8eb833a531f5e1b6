import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { createApi } from '../../apps/api/src/create-api.js';
import { digestOf, fingerprintOf, newJobId } from '@sluice/core';
import { KeyClaims, openRedis } from '@sluice/state';
import { WholeAnswer } from '@sluice/wire';
import { eventually } from '../eventually.js';
import { MASTER_KEY, startSluice, type SluiceUnderTest } from '../support/sluice.js';

/** Three replicas of the api and one worker. */
let sluice: SluiceUnderTest;
let others: NestFastifyApplication[];
let urls: string[];
const redis = openRedis(process.env['REDIS_URL']!, { role: 'worker', onError: () => undefined });

beforeAll(async () => {
  const yaml = 'litellm_settings: {num_retries: 0, allowed_fails: 100}';
  sluice = await startSluice([{ profile: 'only' }], { yaml, isWatched: true });
  others = await Promise.all([1, 2].map(() => createApi(sluice.settings, process.env['REDIS_URL']!)));
  for (const other of others) await other.listen(0, '127.0.0.1');
  urls = [sluice.url, ...(await Promise.all(others.map((other) => other.getUrl())))];
  for (const url of urls) sluice.watch!.alsoAt(url);
});
afterAll(async () => {
  await Promise.all((others ?? []).map((other) => other.close()));
  await sluice?.stop();
  redis.disconnect();
});
beforeEach(() => {
  play({});
  sluice.simulator.reset();
});

const play = (script: object): void => sluice.simulator.setProfile('only', script);
const calls = (): number => sluice.simulator.stats().total;
const inFlight = (): number => sluice.simulator.stats().inFlight;

/** Replicas that follow the one job that runs. */
async function followersOfRunning(): Promise<number> {
  for (const key of await redis.keys(`{sluice:${sluice.group}}:job:*`)) {
    const [state, followers] = await redis.hmget(key, 'state', 'followers');
    if (state === 'running') return followers?.split(' ').filter(Boolean).length ?? 0;
  }
  return 0;
}

interface Answer {
  status: number;
  text: string;
  isReplayed: boolean;
  jobId: string | null;
  code: string | undefined;
  shouldRetry: string | null;
}

interface Asked {
  key?: string;
  body?: Record<string, unknown>;
  headers?: Record<string, string>;
  replica?: 0 | 1 | 2;
  path?: string;
  signal?: AbortSignal;
}

async function ask({ key, body = {}, headers = {}, replica = 0, path = '/v1/chat/completions', signal }: Asked = {}) {
  const response = await fetch(`${urls[replica]}${path}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${MASTER_KEY}`,
      ...(key === undefined ? {} : { 'idempotency-key': key }),
      ...headers,
    },
    body: JSON.stringify({ model: sluice.group, messages: [{ role: 'user', content: 'Say hello.' }], ...body }),
    ...(signal === undefined ? {} : { signal }),
  });
  const text = await response.text();
  const error = response.status === 200 ? undefined : (JSON.parse(text) as { error: { code: string } }).error;
  return {
    status: response.status,
    text,
    isReplayed: response.headers.get('idempotent-replayed') === 'true',
    jobId: response.headers.get('x-sluice-job-id'),
    code: error?.code,
    shouldRetry: response.headers.get('x-should-retry'),
  } satisfies Answer;
}

/** Until the provider has answered, held calls wait for nothing. */
const heldFor = (ms: number): object => ({ rules: [{ do: { delayHeadersMs: ms } }] });
const RETRIES = (count: number) => ({ 'x-stainless-retry-count': String(count), prefer: 'wait=0.1' });

describe('a call without a key whose caller was told to come back', () => {
  it('is joined by a retry of an official client, once', async () => {
    play(heldFor(400));
    const first = await ask({ headers: RETRIES(0) });
    expect(first).toMatchObject({ status: 504, code: 'wait_timeout', shouldRetry: 'true' });
    const again = await ask({ headers: RETRIES(1), replica: 1 });
    expect(again).toMatchObject({ status: 504, shouldRetry: 'true', isReplayed: true, jobId: first.jobId });
    const third = await ask({ headers: { 'x-stainless-retry-count': '2' } });
    expect(third).toMatchObject({ status: 200, isReplayed: true, jobId: first.jobId });
    expect(calls()).toBe(1);
    play({});
    expect(await ask({ headers: RETRIES(2) })).toMatchObject({ status: 200, isReplayed: false }); // nobody's answer twice
    expect(calls()).toBe(2);
  });

  it('is handed on one by one to equal calls in parallel', async () => {
    play(heldFor(500));
    const firsts = await Promise.all([0, 1, 2].map(() => ask({ headers: RETRIES(0) })));
    const again = await Promise.all([0, 1, 2].map(() => ask({ headers: { 'x-stainless-retry-count': '1' } })));
    const handedOn = new Set(again.map(({ jobId }) => jobId));
    expect([handedOn.size, handedOn]).toEqual([3, new Set(firsts.map(({ jobId }) => jobId))]);
    expect(calls()).toBe(3);
  });

  it('is another call for another tenant, another body, and for a client that does not count its retries', async () => {
    play(heldFor(300));
    const first = await ask({ headers: RETRIES(0) });
    const plain = await ask({ headers: { prefer: 'wait=0.1' } });
    expect(plain).toMatchObject({ code: 'wait_timeout', shouldRetry: 'false', isReplayed: false });
    const others = await Promise.all([
      ask({ headers: { ...RETRIES(1), 'x-sluice-tenant': 'acme' } }),
      ask({ headers: RETRIES(1), body: { max_tokens: 9 } }),
    ]);
    expect(others.map(({ isReplayed }) => isReplayed)).toEqual([false, false]);
    expect(others.map(({ jobId }) => jobId)).not.toContain(first.jobId);
  });

  it('is made anew when its job came to nothing', async () => {
    play({ rules: [{ do: { delayHeadersMs: 300, status: 500 } }] });
    const first = await ask({ headers: RETRIES(0) });
    expect(first).toMatchObject({ code: 'wait_timeout', shouldRetry: 'true' });
    await eventually(() => inFlight() === 0, { withinMs: 2_000, what: 'the provider to fail' });
    play({});
    const again = (): Promise<Answer> => ask({ headers: { 'x-stainless-retry-count': '1' } });
    await eventually(async () => (await again()).status === 200, { withinMs: 2_000, what: 'a call that is made anew' });
  });
});

describe('a call with an Idempotency-Key', () => {
  it('is repeated until it is answered, when its caller waits for less', async () => {
    play(heldFor(400));
    const key = randomUUID();
    const told = await ask({ key, headers: { prefer: 'wait=0.1' } });
    expect(told).toMatchObject({ status: 504, code: 'wait_timeout', shouldRetry: 'true' });
    expect(await ask({ key, replica: 1 })).toMatchObject({ status: 200, isReplayed: true, jobId: told.jobId });
    expect(calls()).toBe(1);
  });

  it.each([false, true])(
    'is made once for a hundred that come at once, at two replicas (F30, stream: %p)',
    async (stream) => {
      play({ answer: { tokens: 20 }, rules: [{ do: { delayHeadersMs: 200 } }] });
      const key = randomUUID();
      const answers = await Promise.all(
        Array.from({ length: 100 }, (_, i) => ask({ key, body: { stream }, replica: i % 2 === 0 ? 0 : 1 })),
      );
      expect(calls()).toBe(1);
      expect(new Set(answers.map(({ jobId }) => jobId)).size).toBe(1);
      expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
      expect(answers[0]).toMatchObject({ status: 200 });
      const altered = await ask({ key, body: { stream, max_tokens: 5 } });
      expect(altered).toMatchObject({ status: 422, code: 'idempotency_key_reused', shouldRetry: 'false' });
      expect(calls()).toBe(1);
    },
  );

  it.each([false, true])('is answered as before when it comes again (stream: %p)', async (stream) => {
    const key = randomUUID();
    const first = await ask({ key, body: { stream } });
    const again = await ask({ key: `"${key}"`, body: { stream }, replica: 1, path: '/chat/completions?again' });
    expect(again).toEqual({ ...first, isReplayed: true });
    expect([first.isReplayed, calls()]).toEqual([false, 1]);
  });

  it('is made anew from its answer when it was a stream whose events are not kept any more', async () => {
    play({ answer: { text: 'Hello, dear world.' } });
    const key = randomUUID();
    const body = { stream: true, stream_options: { include_usage: true } };
    const first = await ask({ key, body });
    const stream = `{sluice:${sluice.group}}:stream:${first.jobId}`;
    expect(await redis.del(stream)).toBe(1); // ten minutes later
    const again = await ask({ key, body, replica: 1 });
    expect(again).toMatchObject({ status: 200, isReplayed: true, jobId: first.jobId });
    const [one, two] = [first.text, again.text].map((text) => {
      const whole = new WholeAnswer();
      whole.add(text);
      return whole.answer({ id: '', createdAt: 0, model: '' }, undefined);
    });
    expect(two).toEqual(one);
    expect(again.text).toMatch(/data: \[DONE\]\n\n$/);
    expect(calls()).toBe(1);
  });

  it('is the same whatever the order of its members', async () => {
    const key = randomUUID();
    await ask({ key, body: { temperature: 1, metadata: { a: 1, b: [2] } } });
    const again = await ask({ key, body: { metadata: { b: [2], a: 1 }, temperature: 1 } });
    expect([again.isReplayed, calls()]).toEqual([true, 1]);
  });

  it('is made under the id that the key has fixed when the one who claimed it died before it was there', async () => {
    const key = randomUUID();
    const body = { model: sluice.group, messages: [{ role: 'user', content: 'Say hello.' }] };
    const id = newJobId(Date.now(), randomBytes(10), 1);
    const claim = { fingerprint: fingerprintOf(body), id, group: sluice.group, keptMs: 60_000 };
    await new KeyClaims(redis).claim(digestOf('default', 'POST /chat/completions', key), claim);
    const answers = await Promise.all([0, 1, 0, 1].map((replica) => ask({ key, replica: replica as 0 | 1 })));
    expect(answers.map(({ status, jobId }) => [status, jobId])).toEqual(answers.map(() => [200, id]));
    expect(calls()).toBe(1);
  });

  it('is another call of another tenant or path', async () => {
    const key = randomUUID();
    const tenants = ['default', 'acme', 'other'];
    const answers = await Promise.all(tenants.map((name) => ask({ key, headers: { 'x-sluice-tenant': name } })));
    expect(new Set(answers.map(({ jobId }) => jobId)).size).toBe(3);
  });

  it('goes on when its caller leaves, and its answer is there for the next', async () => {
    play({ rules: [{ do: { delayHeadersMs: 300 } }] });
    const key = randomUUID();
    const leaving = new AbortController();
    const left = ask({ key, signal: leaving.signal }).catch(() => 'left');
    await eventually(() => inFlight() === 1, { withinMs: 2_000, what: 'the provider to be called' });
    leaving.abort();
    expect(await left).toBe('left');
    expect(await ask({ key, replica: 1 })).toMatchObject({ status: 200, isReplayed: true });
    expect(calls()).toBe(1);
  });

  it('is cancelled when its caller leaves and wants that; who shares it only leaves', async () => {
    play({ rules: [{ do: { delayHeadersMs: 5_000 } }] });
    const key = randomUUID();
    const cancels = { 'x-sluice-on-disconnect': 'cancel' };
    const [first, sharer] = [new AbortController(), new AbortController()];
    const made = ask({ key, headers: cancels, signal: first.signal }).catch(() => 'left');
    await eventually(() => inFlight() === 1, { withinMs: 2_000, what: 'the provider to be called' });
    const alone = await followersOfRunning();
    const shared = ask({ key, headers: cancels, replica: 1, signal: sharer.signal }).catch(() => 'left');
    await eventually(async () => (await followersOfRunning()) > alone, { withinMs: 5_000, what: 'a sharer to join' });
    sharer.abort();
    await shared;
    expect(inFlight()).toBe(1);
    const stays = ask({ key, replica: 2 });
    await eventually(async () => (await followersOfRunning()) > alone + 1, { withinMs: 5_000, what: 'another' });
    first.abort();
    await made;
    expect(await stays).toMatchObject({ status: 400, code: 'job_cancelled', isReplayed: true });
    play({});
    expect(await ask({ key })).toMatchObject({ status: 200, isReplayed: false });
  });

  it('fails as before for an error that a repeat does not mend, and is made anew for one that it may', async () => {
    play({ rules: [{ do: { status: 400, body: { error: { message: 'no', type: 'invalid_request_error' } } } }] });
    const key = randomUUID();
    const refused = await ask({ key });
    expect(refused).toMatchObject({ status: 400, code: 'invalid_request' });
    expect(await ask({ key })).toEqual({ ...refused, isReplayed: true });
    expect(calls()).toBe(1);

    play({ rules: [{ do: { status: 500 } }] });
    const other = randomUUID();
    const failed = await ask({ key: other });
    expect(failed).toMatchObject({ status: 502, code: 'provider_error', shouldRetry: 'true' });
    play({});
    const mended = await ask({ key: other });
    expect(mended).toMatchObject({ status: 200, isReplayed: false });
    expect(mended.jobId).not.toBe(failed.jobId);
    expect(await ask({ key: other })).toEqual({ ...mended, isReplayed: true });
  });

  it('keeps nothing of a call that was refused before it was a job', async () => {
    const key = randomUUID();
    expect(await ask({ key, body: { model: 'gpt-0' } })).toMatchObject({ status: 404 });
    expect(await ask({ key, body: { temperature: 9 } })).toMatchObject({ status: 400 });
    expect(await ask({ key })).toMatchObject({ status: 200, isReplayed: false });
  });

  it.each(['', 'x'.repeat(256), 'schlüssel', '""'])('is refused with the key %j', async (key) => {
    expect(await ask({ key })).toMatchObject({ status: 400, code: 'invalid_header' });
    expect(calls()).toBe(0);
  });
});
