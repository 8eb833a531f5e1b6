import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { RETRY_STEPS_MS } from '@sluice/core';
import { newSecret, SecretBox } from '@sluice/webhooks';
import { Webhook } from 'standardwebhooks';
import { eventually } from '../eventually.js';
import { sizeOf, tell } from '../support/full-size.js';
import { status } from '../support/hook-receiver.js';
import { HOUR_MS, WebhookStage } from '../support/webhook-stage.js';

/** A receiver that takes 29 s, and the 15 s that it is given: in little. */
const LATE_MS = sizeOf(1_500, 29_000);
const HEAD_WITHIN_MS = sizeOf(500, 15_000);

describe('the delivery of webhooks', () => {
  let stage: WebhookStage;
  beforeEach(async () => {
    stage = await new WebhookStage().start();
  });
  afterEach(async () => {
    await stage.stop(); // throws when something was told as an error
  });

  const got = (path: string, count: number): Promise<void> =>
    eventually(() => stage.receiver.got(path).length >= count, { withinMs: 5_000, what: `${count} at ${path}` });
  const settled = (count: number, wanted = 'delivered'): Promise<void> =>
    eventually(async () => (await stage.deliveries()).filter((row) => row.status === wanted).length === count, {
      withinMs: 5_000,
      what: `${count} deliveries to be ${wanted}`,
    });
  /** Of the only delivery: after so many tries. */
  const tried = async (tries: number): Promise<number> => {
    await eventually(async () => (await stage.deliveries())[0]?.tries.length === tries, {
      withinMs: 5_000,
      what: `try ${tries} to be noted`,
    });
    return (await stage.deliveries())[0]!.nextAtMs ?? 0;
  };

  it('signs what it sends, with ids and states and nothing else', async () => {
    const { secret } = await stage.endpoint('/hook');
    stage.engine();
    const event = {
      ...stage.event('job.failed'),
      data: { ...stage.event('job.failed').data, metadata: { order: '7' } },
    };
    const error = { code: 'provider_timeout', message: 'It took too long.' } as const;
    await stage.publisher.publish({ event: { ...event, data: { ...event.data, error } } });
    await got('/hook', 1);
    const [{ headers, body } = { headers: {}, body: '' }] = stage.receiver.got('/hook');
    expect(new Webhook(secret).verify(body, headers as Record<string, string>)).toEqual({
      object: 'event',
      id: event.id,
      type: 'job.failed',
      created_at: Math.floor(event.createdAtMs / 1_000),
      data: {
        id: event.data.id,
        status: 'failed',
        metadata: { order: '7' },
        error: { ...error, type: 'timeout_error', param: null },
      },
    });
    expect(headers).toMatchObject({ 'webhook-id': event.id, 'content-type': 'application/json' });
  });

  it('reaches those who asked for it, once each, however often it is told', async () => {
    await stage.endpoint('/all');
    await stage.endpoint('/jobs', { events: ['job.*'] });
    await stage.endpoint('/failures', { events: ['job.failed', 'batch.failed'] });
    await stage.endpoint('/batches', { events: ['batch.*'] });
    await stage.endpoint('/others', { tenant: 'other' });
    const { endpoint: named } = await stage.endpoint('/named', { events: ['batch.*'] });
    const { endpoint: foreign } = await stage.endpoint('/foreign', { tenant: 'other' });
    const event = stage.event();
    for (let i = 0; i < 3; i++) {
      await stage.publisher.publish({ event, own: { endpointId: named.id } });
      await stage.publisher.publish({ event, own: { endpointId: foreign.id } });
      await stage.publisher.publish({ event, own: { url: stage.receiver.url('/own'), secret: newSecret() } });
    }
    const filtered = { url: stage.receiver.url('/filtered'), secret: newSecret(), events: ['job.failed'] };
    await stage.publisher.publish({ event, own: filtered });
    stage.engine();
    await settled(4);
    expect(stage.receiver.all.map(({ path }) => path).toSorted()).toEqual(['/all', '/jobs', '/named', '/own']);
  });

  it('tries again after each step with the same id, each try signed anew, until somebody takes it', async () => {
    const { secret } = await stage.endpoint('/hook');
    stage.receiver.answer('/hook', status(500));
    stage.engine();
    const event = stage.event();
    await stage.publisher.publish({ event });
    const startedMs = stage.nowMs;
    for (const [i, stepMs] of RETRY_STEPS_MS.slice(0, 5).entries()) {
      expect((await tried(i + 1)) - stage.nowMs).toBe(stepMs);
      stage.step(stepMs - 1);
      expect((await stage.queue.take(0)).nextInMs).toBe(1);
      if (i === 4) stage.receiver.answer('/hook', undefined);
      stage.step(1);
    }
    await settled(1);
    const all = stage.receiver.got('/hook');
    expect(all.map(({ headers }) => headers['webhook-id'])).toEqual(Array.from({ length: 6 }, () => event.id));
    const times = all.map(({ headers }) => Number(headers['webhook-timestamp']) - Math.floor(startedMs / 1_000));
    const sums = RETRY_STEPS_MS.slice(0, 5).reduce<number[]>((list, ms) => [...list, list.at(-1)! + ms], [0]);
    for (const [i, time] of times.entries()) expect(Math.abs(time - sums[i]! / 1_000)).toBeLessThanOrEqual(1);
    expect(new Webhook(secret).verify(all[0]!.body, all[0]!.headers as Record<string, string>)).toBeDefined();
    expect(new Set(all.map(({ headers }) => headers['webhook-signature'])).size).toBe(6);
  });

  it('gives up after the tenth try, and a single callback disables nothing', async () => {
    stage.receiver.answer('/own', status(503));
    stage.engine();
    await stage.publisher.publish({
      event: stage.event(),
      own: { url: stage.receiver.url('/own'), secret: newSecret() },
    });
    for (let i = 1; i < 10; i++) stage.step((await tried(i)) - stage.nowMs);
    await settled(1, 'failed');
    expect(stage.receiver.got('/own')).toHaveLength(10);
    expect(stage.events).toMatchObject([{ event: 'webhook.delivery_failed', fields: { tries: 10, error: 'status' } }]);
  });

  it('comes once the receiver is well again, within one step, after an hour (F26)', async () => {
    await stage.endpoint('/hook');
    stage.receiver.answer('/hook', (res) => res.socket?.destroy());
    stage.engine();
    await stage.publisher.publish({ event: stage.event() });
    let downMs = 0;
    for (let i = 1; downMs < HOUR_MS; i++) {
      const waitMs = (await tried(i)) - stage.nowMs;
      downMs += waitMs;
      if (downMs >= HOUR_MS) stage.receiver.answer('/hook', undefined);
      stage.step(waitMs);
    }
    await settled(1);
    expect(downMs - HOUR_MS).toBeLessThanOrEqual(2 * HOUR_MS); // the step that was under way
    expect(new Set(stage.receiver.got('/hook').map(({ headers }) => headers['webhook-id'])).size).toBe(1);
  });

  it('disables an endpoint that took nothing for 72 hours, tells the others, and ends what waits (F26)', async () => {
    const { endpoint } = await stage.endpoint('/down');
    await stage.endpoint('/well');
    await stage.endpoint('/elsewhere', { tenant: 'other' });
    stage.receiver.answer('/down', status(500));
    stage.engine();
    await stage.publisher.publish({ event: stage.event() });
    await settled(1); // at /well
    stage.step(71 * HOUR_MS);
    await stage.publisher.publish({ event: stage.event() });
    await settled(2);
    expect((await stage.book.find(endpoint.id))!.status).toBe('enabled');
    stage.step(HOUR_MS + 60_000);
    await eventually(async () => (await stage.book.find(endpoint.id))!.status === 'disabled', {
      withinMs: 5_000,
      what: 'it to be disabled',
    });
    await got('/well', 3);
    const told = JSON.parse(stage.receiver.got('/well').at(-1)!.body) as { data: unknown };
    const data = { id: endpoint.id, status: 'disabled', metadata: { path: '/down' }, error: null };
    expect(told).toMatchObject({ type: 'webhook_endpoint.disabled', data });
    await settled(2, 'failed');
    const failed = (await stage.deliveries()).filter((row) => row.status === 'failed');
    for (const row of failed) expect(row.tries.at(-1)).toMatchObject({ statusCode: null, error: 'endpoint_disabled' });
    expect((await stage.book.find(endpoint.id))!.disabledReason).toBe('no_success');
    await stage.publisher.publish({ event: stage.event() });
    await settled(4);
    expect(stage.receiver.got('/elsewhere')).toEqual([]);
    const before = stage.receiver.got('/down').length;
    stage.step(24 * HOUR_MS);
    await stage.publisher.publish({ event: stage.event() });
    await settled(5);
    expect(stage.receiver.got('/down')).toHaveLength(before);
  });

  it('goes on when a success comes in between: three days are counted anew', async () => {
    const { endpoint } = await stage.endpoint('/hook');
    stage.receiver.answer('/hook', status(500));
    stage.engine();
    await stage.publisher.publish({ event: stage.event() });
    await tried(1);
    stage.step(71 * HOUR_MS);
    await tried(2);
    stage.receiver.answer('/hook', undefined);
    await stage.publisher.publish({ event: stage.event() });
    await settled(1);
    stage.step(2 * HOUR_MS);
    await settled(2);
    expect((await stage.book.find(endpoint.id))!.status).toBe('enabled');
  });

  it('takes 410 for the last word: failed at once, disabled, and the others are told (F27)', async () => {
    const { endpoint } = await stage.endpoint('/gone');
    await stage.endpoint('/well', { events: ['webhook_endpoint.disabled'] });
    stage.receiver.answer('/gone', status(410));
    stage.engine();
    await stage.publisher.publish({ event: stage.event() });
    await got('/well', 1);
    expect(await stage.book.find(endpoint.id)).toMatchObject({ status: 'disabled', disabledReason: 'gone' });
    await settled(1, 'failed');
    expect(stage.receiver.got('/gone')).toHaveLength(1);
  });

  it('gives 2xx heads their time and no more, reads 16 kB and follows nothing (F27)', async () => {
    let sent = 0;
    await stage.endpoint('/late', { events: ['job.completed'] });
    await stage.endpoint('/redirect', { events: ['job.completed'] });
    await stage.endpoint('/endless', { events: ['job.completed'] });
    stage.receiver.answer('/late', (res) => void setTimeout(() => res.end(), LATE_MS));
    stage.receiver.answer('/redirect', status(301, { location: 'http://169.254.169.254/latest' }));
    stage.receiver.answer('/endless', (res) => {
      res.writeHead(200);
      const more = (): void => {
        while (!res.destroyed) {
          sent += 1_024;
          if (!res.write(Buffer.alloc(1_024))) break;
        }
      };
      res.on('drain', more);
      more();
    });
    stage.engine({ headWithinMs: HEAD_WITHIN_MS });
    await stage.publisher.publish({ event: stage.event() });
    await settled(1);
    await eventually(async () => (await stage.deliveries()).every((row) => row.tries.length === 1), {
      withinMs: HEAD_WITHIN_MS + 5_000,
      what: 'all to be tried',
    });
    const error = (path: string) => async () =>
      (await stage.deliveries()).find(({ plan }) => plan.url.endsWith(path))!.tries[0];
    expect(await error('/late')()).toMatchObject({ statusCode: null, error: 'timeout' });
    expect(await error('/redirect')()).toMatchObject({ statusCode: 301, error: 'redirect' });
    expect(await error('/endless')()).toMatchObject({ statusCode: 200, error: null });
    expect(sent).toBeLessThan(4 * 1024 * 1024); // what the sockets' buffers take; it would never end
    tell('F27', { answeredAfterMs: LATE_MS, headWithinMs: HEAD_WITHIN_MS });
  }, 60_000);

  it('gives a receiver that says 429 one at a time, and none before its time, until it takes one (F27)', async () => {
    await stage.endpoint('/busy');
    stage.receiver.answer('/busy', status(429, { 'retry-after': '60' }));
    stage.engine();
    await stage.publisher.publish({ event: stage.event() });
    const next = await tried(1);
    expect(next - stage.nowMs).toBe(60_000);
    stage.receiver.answer('/busy', (res) => void setTimeout(() => res.end(), 20));
    for (let i = 0; i < 30; i++) await stage.publisher.publish({ event: stage.event() });
    stage.step(59_000);
    expect(stage.receiver.got('/busy')).toHaveLength(1);
    expect((await stage.queue.take(0)).nextInMs).toBe(1_000);
    stage.receiver.answer('/busy', (res) => void setTimeout(() => res.writeHead(503).end(), 20));
    stage.step(1_000);
    await got('/busy', 12); // 503 is no success: still one at a time
    expect(stage.receiver.mostAtOnce('/busy')).toBe(1);
    stage.receiver.answer('/busy', (res) => void setTimeout(() => res.end(), 20));
    await got('/busy', 31);
    stage.step(5_000);
    await settled(31);
    expect(stage.receiver.mostAtOnce('/busy')).toBeGreaterThan(1);
    expect(stage.receiver.mostAtOnce('/busy')).toBeLessThanOrEqual(10);
  });

  it('lets no slow endpoint delay another: twenty that never answer, one that does (F26)', async () => {
    for (let i = 0; i < 20; i++) {
      await stage.endpoint(`/slow-${i}`, { events: ['job.completed'] });
      stage.receiver.answer(`/slow-${i}`, () => undefined);
    }
    await stage.endpoint('/fast', { events: ['job.*'] });
    stage.engine({ headWithinMs: 15_000 });
    for (let i = 0; i < 30; i++) await stage.publisher.publish({ event: stage.event() });
    await eventually(() => stage.receiver.all.filter(({ path }) => path !== '/fast').length === 200, {
      withinMs: 10_000,
      what: 'ten to hang at each slow one',
    });
    await settled(30);
    for (let i = 0; i < 50; i++) await stage.publisher.publish({ event: stage.event('job.failed') });
    await settled(80); // while all slots of the slow ones are taken
    expect(stage.receiver.got('/slow-0')).toHaveLength(10);
    expect(stage.receiver.mostAtOnce('/fast')).toBeLessThanOrEqual(10);
  });

  it('tries again, with the same id, what a worker was lost over', async () => {
    await stage.endpoint('/hook');
    const event = stage.event();
    await stage.publisher.publish({ event });
    const { taken } = await stage.queue.take(10); // a worker that dies here
    expect(taken).toHaveLength(1);
    stage.engine();
    stage.step(19_000);
    expect((await stage.queue.take(0)).nextInMs).toBe(1_000);
    stage.step(1_001);
    await settled(1);
    expect(stage.receiver.got('/hook').map(({ headers }) => headers['webhook-id'])).toEqual([event.id]);
    await stage.queue.settle(taken[0]!, { kind: 'failed' }, undefined, { wasAsked: true }); // it was only frozen
    expect((await stage.deliveries())[0]!.status).toBe('delivered');
  });

  it('hands back what it had in hand when it stops: no try is counted', async () => {
    await stage.endpoint('/hook');
    stage.receiver.answer('/hook', () => undefined);
    const first = stage.engine({ headWithinMs: 15_000 });
    await stage.publisher.publish({ event: stage.event() });
    await got('/hook', 1);
    stage.receiver.answer('/hook', undefined);
    await first.stop(0);
    stage.engine();
    await settled(1);
    expect((await stage.deliveries())[0]!.tries).toMatchObject([{ statusCode: 200 }]);
  });

  it('says what it could not connect to', async () => {
    const resolve = (host: string): Promise<string[]> =>
      host === 'metadata.example' ? Promise.resolve(['169.254.169.254']) : Promise.reject(new Error('ENOTFOUND'));
    await stage.endpoint('/', { url: 'http://metadata.example/latest' });
    await stage.endpoint('/', { url: 'http://nowhere.example/' });
    await stage.endpoint('/', { url: 'http://127.0.0.1:1/' });
    stage.engine({ resolve });
    await stage.publisher.publish({ event: stage.event() });
    await eventually(
      async () => {
        const rows = await stage.deliveries();
        return rows.length === 3 && rows.every(({ tries }) => tries.length === 1);
      },
      { withinMs: 5_000, what: 'all to be tried' },
    );
    const errors = (await stage.deliveries()).map(({ tries }) => tries[0]!.error);
    expect(new Set(errors)).toEqual(new Set(['blocked_address', 'connection_failed', 'dns_failed']));
  });

  it('shows no secret in Redis when there is a key to seal them with', async () => {
    const { secret } = await stage.endpoint('/hook');
    const own = newSecret();
    await stage.publisher.publish({ event: stage.event(), own: { url: stage.receiver.url('/own'), secret: own } });
    stage.engine();
    await settled(2);
    const kept: string[] = [];
    for (const key of await stage.redis.keys('{sluice}:webhooks:*')) {
      if ((await stage.redis.type(key)) === 'hash') kept.push(JSON.stringify(await stage.redis.hgetall(key)));
    }
    expect(kept.length).toBeGreaterThan(2);
    for (const text of kept) for (const hidden of [secret, own]) expect(text).not.toContain(hidden);
    const [received] = stage.receiver.got('/own');
    expect(new Webhook(own).verify(received!.body, received!.headers as Record<string, string>)).toBeDefined();
  });

  it('goes on trying where a secret cannot be read, and does not blame the endpoint', async () => {
    const { endpoint } = await stage.endpoint('/hook');
    const sealed = new SecretBox('another key').seal(newSecret());
    await stage.book.keep({ ...endpoint, version: 2, secrets: [{ sealed }] });
    stage.engine();
    await stage.publisher.publish({ event: stage.event() });
    expect((await tried(1)) - stage.nowMs).toBe(RETRY_STEPS_MS[0]);
    expect((await stage.deliveries())[0]!.tries).toMatchObject([{ statusCode: null, error: 'secret_unreadable' }]);
    expect(await stage.book.failingSince(stage.nowMs)).toEqual([]);
    expect(stage.receiver.all).toEqual([]);
    expect(stage.errors.splice(0)).toHaveLength(1);
    await stage.book.keep({ ...endpoint, version: 3 });
    stage.step(5_000);
    await settled(1);
  });
});
