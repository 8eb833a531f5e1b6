import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../eventually.js';
import { nativeJobs } from '../support/native-jobs.js';
import { OwnRedis } from '../support/own-redis.js';
import { RedisMonitor } from '../support/redis-monitor.js';
import { startSluice, type SluiceUnderTest } from '../support/sluice.js';

/** Jobs that each has in line: 200 in all, in shares that are not their weights. */
const WAITING = { small: 20, plain: 60, other: 30, twice: 50, large: 40 };
const WEIGHTS = 'small: 0.5, twice: 2, large: 4';
const TENANTS = Object.keys(WAITING) as (keyof typeof WAITING)[];
/** BullMQ holds so many for one worker of two, and two run side by side: nobody can tell their order. */
const BLURRED = 6;

const own = new OwnRedis();
let sluice: SluiceUnderTest;
let jobs: ReturnType<typeof nativeJobs>;

beforeAll(async () => {
  await own.start();
  const env = { REDIS_URL: own.url, SLUICE_WORKER_CONCURRENCY: '2' };
  sluice = await startSluice([{ profile: 'only' }], { env, yaml: `sluice: {tenant_weights: {${WEIGHTS}}}` });
  jobs = nativeJobs(sluice);
}, 30_000);
afterAll(async () => {
  await sluice?.stop();
  await own.stop('SIGKILL');
});

const as = (tenant: string): Record<string, string> => ({ 'x-sluice-tenant': tenant });

/** What a look takes for granted may be a second old: told by the pause, the api looks anew. */
const pause = () => jobs.send('POST', `/v1/queues/${sluice.group}/pause`);

interface Waiting {
  id: string;
  tenant: string;
  told: number;
}

/** Jobs by what they say of themselves to the provider. */
const idOf = new Map<unknown, string>();

async function submit(tenant: string): Promise<Waiting> {
  const user = `${tenant} ${idOf.size}`;
  const { status, body } = await jobs.submit({}, { user }, as(tenant));
  expect(status).toBe(202);
  idOf.set(user, body['id']);
  return { id: body['id'], tenant, told: body['queue_position'] };
}

/** Each round a job of everybody who has not all of his. */
async function fillTheLine(): Promise<Waiting[]> {
  const submitted: Waiting[] = [];
  for (let round = 0; round < 60; round++) {
    const tenants = TENANTS.filter((tenant) => WAITING[tenant] > round);
    submitted.push(...(await Promise.all(tenants.map(submit))));
  }
  return submitted;
}

describe('five tenants of different weights with 200 jobs that wait', () => {
  it('are told places that are right within a fifth, at submit and at each poll, for as much as with ten', async () => {
    await pause();
    const monitor = await RedisMonitor.watch(own.url);
    const costOf = async ({ id, tenant }: Waiting): Promise<number> => {
      await jobs.look(id, '', as(tenant)); // the lines of all are looked at once a second for all polls
      monitor.take();
      await jobs.look(id, '', as(tenant));
      return monitor.take('all').filter((command) => command.includes(id)).length;
    };
    const first = await submit('plain');
    const costOfOne = await costOf(first);

    const waiting = await fillTheLine();
    expect((await pause()).body).toMatchObject({ paused: true, waiting: 201 });
    expect(await costOf(waiting.at(-1)!)).toBe(costOfOne);
    expect(costOfOne).toBeLessThanOrEqual(8);
    monitor.stop();

    const told = new Map<string, number>([[first.id, 1]]);
    for (const { id, tenant } of waiting) {
      told.set(id, (await jobs.look(id, '', as(tenant))).body['queue_position']);
    }
    expect(told.get(first.id)).toBe(1);
    await pause();
    for (const { id, told: place } of [await submit('small'), await submit('large')]) told.set(id, place);

    await jobs.send('POST', `/v1/queues/${sluice.group}/resume`);
    const called = () => sluice.simulator.requests().length;
    await eventually(() => called() === told.size, { withinMs: 20_000, what: 'all to be asked' });
    const order = sluice.simulator.requests().map(({ body }) => idOf.get((body as { user: string }).user)!);
    const wrong = order
      .map((id, i) => ({ place: i + 1, told: told.get(id)! }))
      .filter(({ place, told: said }) => !(Math.abs(said - place) <= Math.max(BLURRED, 0.2 * place)));
    expect(wrong).toEqual([]);
  }, 60_000);
});
