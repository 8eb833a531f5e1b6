import { describe, expect, it } from '@jest/globals';
import { createApi } from '../../apps/api/src/create-api.js';
import { eventually } from '../eventually.js';
import { MASTER_KEY, type SluiceUnderTest } from '../support/sluice.js';
import { withSluice, type PlayedSluice } from '../support/with-sluice.js';

const TWO_GROUPS = [{ profile: 'only' }, { profile: 'other', group: 'other' }];
const IN_TIME = (what: string) => ({ withinMs: 10_000, what });

interface Queue {
  paused: boolean;
  waiting: number;
  active: number;
}
interface Worker {
  id: string;
  status: string;
  groups: string[];
  running: number;
}

async function send<Body>({ url }: Pick<SluiceUnderTest, 'url'>, method: string, path: string): Promise<Body> {
  const response = await fetch(`${url}${path}`, { method, headers: { authorization: `Bearer ${MASTER_KEY}` } });
  return { ...((await response.json()) as object), http: response.status } as Body;
}

const queueOf = (sluice: PlayedSluice): Promise<Queue> => send(sluice, 'GET', `/v1/queues/${sluice.group}`);

/** `many` calls that are taken in and not begun. */
async function waitingCalls(sluice: PlayedSluice, many: number): Promise<Promise<Response>[]> {
  const calls = Array.from({ length: many }, (_, i) => sluice.call(i % 2 === 0 ? {} : { stream: true }));
  await eventually(async () => (await queueOf(sluice)).waiting === many, IN_TIME(`${many} calls to wait`));
  return calls;
}

describe('a queue that is paused', () => {
  it('takes calls in and starts none, whoever comes and goes, until it is resumed', async () => {
    await withSluice(TWO_GROUPS, { workers: 1 }, async (sluice) => {
      const { group, call, callsTo, play } = sluice;
      play({ only: { rules: [{ do: { delayHeadersMs: 500 } }] } });
      const running = call({});
      await eventually(() => callsTo('only').length === 1, IN_TIME('the first call to run'));
      const paused = await send<Queue & { http: number }>(sluice, 'POST', `/v1/queues/${group}/pause`);
      expect(paused).toMatchObject({ http: 200, group, paused: true, waiting: 0, active: 1 });
      play({ only: {} });

      const calls = await waitingCalls(sluice, 4);
      expect((await running).status).toBe(200); // what runs goes on
      const before = callsTo('only').length;
      await sluice.addWorker();
      await sluice.workers[0]!.close();
      const restarted = await createApi(sluice.settings, process.env['REDIS_URL']!);
      await restarted.listen(0, '127.0.0.1');
      const seen = await send<Queue>({ url: await restarted.getUrl() }, 'GET', `/v1/queues/${group}`);
      await restarted.close();
      for (let i = 0; i < 3; i++) expect((await call({ model: `${group}-other` })).status).toBe(200); // rounds of the worker
      expect([seen.paused, callsTo('only').length, (await queueOf(sluice)).waiting]).toEqual([true, before, 4]);

      const resumed = await send<Queue>(sluice, 'POST', `/v1/queues/${group}/resume`);
      expect(resumed.paused).toBe(false);
      expect((await Promise.all(calls)).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
      expect(callsTo('only').length).toBe(before + 4);
    });
  });

  it('is purged of what waits, and of nothing that runs', async () => {
    await withSluice(TWO_GROUPS, { workers: 1 }, async (sluice) => {
      const { group, call, callsTo, play } = sluice;
      play({ only: { rules: [{ do: { delayHeadersMs: 700 } }] } });
      const running = call({});
      await eventually(() => callsTo('only').length === 1, IN_TIME('the first call to run'));
      await send(sluice, 'POST', `/v1/queues/${group}/pause`);
      const calls = await waitingCalls(sluice, 5);
      expect(await send(sluice, 'POST', `/v1/queues/${group}/purge`)).toEqual({ http: 200, purged: 5 });
      const codes = await Promise.all(
        calls.map(async (each) => ((await (await each).json()) as { error: { code: string } }).error.code),
      );
      expect(codes).toEqual(Array.from({ length: 5 }, () => 'job_cancelled'));
      expect((await running).status).toBe(200);
      expect(await send(sluice, 'POST', `/v1/queues/${group}/purge`)).toEqual({ http: 200, purged: 0 });
      await send(sluice, 'POST', `/v1/queues/${group}/resume`);
      expect((await call({})).status).toBe(200);
      expect(callsTo('only').length).toBe(2);
    });
  });

  it('must be the queue of a group that there is', async () => {
    await withSluice(TWO_GROUPS, {}, async (sluice) => {
      for (const what of ['pause', 'resume', 'purge']) {
        const answer = await send(sluice, 'POST', `/v1/queues/none/${what}`);
        expect(answer).toMatchObject({ http: 404, error: { code: 'not_found' } });
      }
    });
  });
});

describe('a worker that is drained', () => {
  it('ends what it runs and takes no more; the others go on', async () => {
    await withSluice([{ profile: 'only' }], { workers: 1 }, async (sluice) => {
      const { group, call, callsTo, play } = sluice;
      const workers = async (): Promise<Worker[]> => {
        const { data } = await send<{ data: Worker[] }>(sluice, 'GET', '/v1/workers');
        return data.filter((worker) => worker.groups.includes(group));
      };
      const [only] = await workers();
      expect(only).toMatchObject({ status: 'running', groups: [group], concurrency: 200 });

      play({ only: { rules: [{ do: { delayHeadersMs: 1_000 } }] } });
      const running = call({});
      await eventually(() => callsTo('only').length === 1, IN_TIME('the call to run'));
      play({ only: {} });
      await sluice.addWorker();
      const drain = `/v1/workers/${encodeURIComponent(only!.id)}/drain`;
      expect(await send(sluice, 'POST', drain)).toMatchObject({ http: 202, id: only!.id, status: 'draining' });
      const drained = async (): Promise<string | undefined> =>
        (await workers()).find(({ id }) => id === only!.id)?.status;
      await eventually(async () => (await drained()) === 'drained', IN_TIME('the worker to be empty'));
      expect((await running).status).toBe(200);
      const answers = await Promise.all(Array.from({ length: 20 }, () => call({})));
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
      expect((await workers()).map(({ status }) => status).toSorted((a, b) => (a < b ? -1 : 1))).toEqual([
        'drained',
        'running',
      ]);
      expect(await send(sluice, 'POST', '/v1/workers/none%2F1-a/drain')).toMatchObject({ http: 404 });
    });
  });
});
