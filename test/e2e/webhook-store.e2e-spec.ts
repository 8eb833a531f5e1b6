import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { WebhookDeliveries, WebhookEndpoints } from '@sluice/store';
import { DeliveryWriter, ErasedJobs, newSecret } from '@sluice/webhooks';
import { eventually } from '../eventually.js';
import { freshDatabase, type FreshDatabase } from '../support/own-postgres.js';
import { status } from '../support/hook-receiver.js';
import { HOUR_MS, WebhookStage } from '../support/webhook-stage.js';

const PAGE = { after: undefined, limit: 100, order: 'desc' } as const;
const ANY = { endpointId: undefined, jobId: undefined };

describe('what the store knows of webhooks', () => {
  let fresh: FreshDatabase;
  let stage: WebhookStage;
  let writer: DeliveryWriter;
  let isAway = false;
  let endpoints: WebhookEndpoints;
  let rows: WebhookDeliveries;
  const errors: Error[] = [];
  beforeAll(async () => {
    fresh = await freshDatabase();
    endpoints = new WebhookEndpoints(fresh.database);
    rows = new WebhookDeliveries(fresh.database);
  });
  afterAll(() => fresh?.drop());
  beforeEach(async () => {
    stage = await new WebhookStage().start();
    const unless = async <T>(work: () => Promise<T>): Promise<T> => {
      if (isAway) throw new Error('The database cannot be reached.');
      return work();
    };
    writer = new DeliveryWriter({
      workerId: 'w1',
      queue: stage.queue,
      book: stage.book,
      erased: new ErasedJobs(stage.redis),
      store: {
        write: (some) => unless(() => rows.write(some)),
        blank: (jobIds) => unless(() => rows.blank(jobIds)),
        disable: (id, version, reason) => unless(() => endpoints.disable(id, version, reason)),
        endpointsAfter: (id, limit) => unless(() => endpoints.all(id, limit)),
        forgetBefore: (timeMs) => unless(() => rows.forgetBefore(timeMs)),
      },
      runsAnyway: true,
      isIdle: () => false,
      nowMs: () => stage.nowMs,
      onError: (error) => errors.push(error),
    });
  });
  afterEach(async () => {
    await writer.stop();
    await stage.stop();
  });

  const listed = (tenant: string) => rows.list(tenant, ANY, PAGE);

  it('gets each delivery with its tries, and forgets none while it is away', async () => {
    isAway = true;
    await stage.endpoint('/hook');
    stage.receiver.answer('/hook', status(500));
    stage.engine();
    writer.start();
    const first = stage.event();
    await stage.publisher.publish({ event: first });
    await eventually(async () => (await stage.deliveries())[0]?.tries.length === 1, { withinMs: 5_000, what: 'a try' });
    stage.receiver.answer('/hook', undefined);
    stage.step(5_000);
    await stage.publisher.publish({ event: stage.event() });
    await eventually(async () => (await stage.deliveries()).every((row) => row.status === 'delivered'), {
      withinMs: 5_000,
      what: 'deliveries to go on without the store',
    });
    await eventually(() => errors.length > 0, { withinMs: 5_000, what: 'the writer to have tried' });
    expect(await listed('acme')).toEqual([]);
    isAway = false;
    await eventually(async () => (await listed('acme')).length === 2, { withinMs: 8_000, what: 'both to be written' });
    const one = (await listed('acme')).find(({ plan }) => plan.eventId === first.id)!;
    expect(one).toMatchObject({ status: 'delivered', nextAtMs: null });
    expect(one.tries.map(({ statusCode }) => statusCode)).toEqual([500, 200]);
    await eventually(async () => (await stage.deliveries()).length === 0, { withinMs: 3_000, what: 'Redis to let go' });
    expect(await stage.queue.add(one.plan)).toBe(false); // the ledger tells of it again
    expect(await rows.list('acme', { ...ANY, jobId: first.jobId }, PAGE)).toHaveLength(1);
    expect(await rows.list('acme', { ...ANY, endpointId: 'we_none' }, PAGE)).toEqual([]);
    expect(await listed('other')).toEqual([]);
    expect(await rows.find('other', one.plan.id)).toBeUndefined();

    await stage.queue.redeliver((await rows.find('acme', one.plan.id))!);
    stage.step(0);
    await eventually(async () => (await rows.find('acme', one.plan.id))!.tries.length === 3, {
      withinMs: 5_000,
      what: 'the redelivery',
    });
    const ids = stage.receiver.got('/hook').map(({ headers }) => headers['webhook-id']);
    expect(ids.filter((id) => id === first.id)).toHaveLength(3);
  });

  it('never goes back to an older state', async () => {
    await stage.publisher.publish({
      event: stage.event(),
      own: { url: stage.receiver.url('/own'), secret: newSecret() },
    });
    const [pending] = await stage.deliveries();
    const newer = { ...pending!, status: 'failed', revision: 7 } as const;
    await rows.write([newer]);
    await rows.write([pending!]);
    expect(await rows.find('acme', pending!.plan.id)).toMatchObject({ status: 'failed', revision: 7 });
  });

  it('hears of endpoints that deliveries found dead, unless they were changed since', async () => {
    stage.receiver.answer('/gone', status(410));
    const made = [];
    for (let i = 0; i < 2; i++) {
      const { endpoint } = await stage.endpoint('/gone', { tenant: `dead-${i}` });
      await endpoints.add(endpoint);
      made.push(endpoint);
    }
    const [dead, mended] = made as [(typeof made)[0], (typeof made)[0]];
    stage.engine();
    for (const { tenant } of made) await stage.publisher.publish({ event: stage.event('job.completed', tenant) });
    await eventually(async () => (await stage.book.disabled()).length === 2, { withinMs: 5_000, what: 'two 410s' });
    const changed = await endpoints.change(mended.tenant, mended.id, { url: stage.receiver.url('/new') });
    await stage.book.keep(changed!);
    writer.start();
    await eventually(async () => (await stage.book.disabled()).length === 0, {
      withinMs: 5_000,
      what: 'the store to know',
    });
    expect(await endpoints.find(dead.tenant, dead.id)).toMatchObject({
      status: 'disabled',
      disabledReason: 'gone',
      version: 2,
    });
    expect(await endpoints.find(mended.tenant, mended.id)).toMatchObject({ status: 'enabled', version: 2 });
    expect((await stage.book.find(mended.id))!.status).toBe('enabled');
  });

  it('gives the endpoints back to a Redis that lost them', async () => {
    const { endpoint } = await stage.endpoint('/hook', { tenant: 'lost' });
    await endpoints.add(endpoint);
    await stage.redis.flushall();
    stage.step(0);
    writer.start();
    await eventually(async () => (await stage.book.find(endpoint.id)) !== undefined, {
      withinMs: 5_000,
      what: 'a copy',
    });
    expect(await stage.book.enabledOf('lost')).toEqual([endpoint]);
  });

  it('forgets deliveries after thirty days', async () => {
    await stage.publisher.publish({
      event: stage.event('job.completed', 'old'),
      own: {
        url: stage.receiver.url('/'),
        secret: newSecret(),
      },
    });
    await rows.write(await stage.deliveries());
    stage.step(29 * 24 * HOUR_MS);
    expect((await rows.forgetBefore(stage.nowMs - 30 * 24 * HOUR_MS)).forgotten).toBe(0);
    expect(await listed('old')).toHaveLength(1);
    stage.step(2 * 24 * HOUR_MS);
    await stage.redis.flushall();
    stage.step(0);
    writer.start();
    await eventually(async () => (await listed('old')).length === 0, { withinMs: 5_000, what: 'it to be forgotten' });
  });
});
