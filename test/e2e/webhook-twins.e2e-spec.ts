import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, it } from '@jest/globals';
import { addDelivery, settleDelivery, takeDue, type DeliveryPlan, type Landing, type Lanes } from '@sluice/core';
import { openRedis } from '@sluice/state';
import { DeliveryQueue, MOST_FLYING, type TakenDelivery } from '@sluice/webhooks';
import fc from 'fast-check';
import type { Redis } from 'ioredis';
import { OwnRedis } from '../support/own-redis.js';
import { withSteppedClock, type SteppedRedis } from '../support/stepped-redis.js';

/** Random histories; a nightly run asks for more. */
const RUNS = Math.min(Number(process.env['SLUICE_PROPERTY_RUNS'] ?? 150), 2_000);
const STEPS = 60;
const START_MS = 1_800_000_000_000;
const LIMITS = { mostLanes: 200, mostFlying: MOST_FLYING, leaseMs: 20_000 };

const step = fc.record({
  do: fc.constantFrom('add', 'add', 'add', 'take', 'take', 'deliver', 'fail', 'again', 'calm', 'back', 'wait'),
  pick: fc.nat({ max: 999 }),
});

type Landed = 'deliver' | 'fail' | 'again' | 'calm' | 'back';

function landingOf(what: Landed, nowMs: number): Landing {
  if (what === 'deliver') return { kind: 'delivered' };
  if (what === 'fail') return { kind: 'failed' };
  return what === 'back' ? { kind: 'back' } : { kind: 'again', atMs: nowMs + 5_000 };
}

function agree(what: string, script: unknown, twin: unknown): void {
  if (!isDeepStrictEqual(script, twin)) throw new Error(`${what}: ${JSON.stringify({ script, twin })}`);
}

const planOf = (n: number, lane: string): DeliveryPlan => ({
  id: `dlv_${String(n).padStart(32, '0')}`,
  tenant: 't',
  eventId: 'evt_1',
  type: 'ping',
  endpointId: lane,
  url: 'https://example.com/',
  body: '{}',
});

describe('the scripts of deliveries and their twin in core', () => {
  const own = new OwnRedis();
  let redis: Redis;
  let stepped: SteppedRedis;
  let queue: DeliveryQueue;
  beforeAll(async () => {
    await own.start();
    redis = openRedis(own.url, { role: 'worker', onError: () => {} });
    stepped = withSteppedClock(redis, 'twins:clock');
    queue = new DeliveryQueue(redis);
  });
  afterAll(async () => {
    redis?.disconnect();
    await own.stop('SIGKILL');
  });

  it('take the same deliveries and look again at the same time, through every history', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: STEPS, maxLength: STEPS }), async (steps) => {
        await redis.flushall();
        const twin: Lanes = { lanes: new Map(), lookAt: new Map() };
        const held: TakenDelivery[] = [];
        const lastTurn = new Map<string, string>();
        let nowMs = START_MS;
        let added = 0;
        const set = (ms: number): void => {
          nowMs = ms;
          stepped.setUs(ms * 1_000);
        };
        const add = async (lane: string): Promise<void> => {
          const plan = planOf(added++, lane);
          const known = [await queue.add(plan), await queue.add(plan)];
          agree('add', known, [true, false]);
          addDelivery(twin, lane, plan.id, nowMs);
        };
        const take = async (most: number): Promise<void> => {
          const { taken, nextInMs } = await queue.take(most);
          const ids = taken.map(({ plan }) => plan.id);
          agree('take', ids, takeDue(twin, { most, ...LIMITS }, nowMs));
          const looks = [...twin.lookAt.values()];
          agree('look', nextInMs, looks.length === 0 ? undefined : Math.max(0, Math.min(...looks) - nowMs));
          held.push(...taken);
          for (const { plan, turn } of taken) lastTurn.set(plan.id, turn);
        };
        const land = async (what: Landed, pick: number): Promise<void> => {
          const [one] = held.splice(pick % (held.length || 1), 1);
          if (one === undefined) return;
          const { id } = one.plan;
          const landing = landingOf(what, nowMs);
          const calmUntilMs = what === 'calm' ? nowMs + (pick % 3) * 1_000 : undefined;
          const before = (await queue.find(id))!.status;
          await queue.settle(one, landing, undefined, { calmUntilMs, wasAsked: true });
          const isIts = before === 'pending' && lastTurn.get(id) === one.turn; // else somebody else has said
          const counts = isIts || (what === 'deliver' && before !== 'delivered');
          if (counts) settleDelivery(twin, one.lane, id, landing, calmUntilMs, nowMs);
        };
        set(nowMs);
        for (const { do: what, pick } of steps) {
          if (what === 'add') for (let i = 0; i <= pick % 6; i++) await add(`we_${pick % 3}`);
          else if (what === 'take') await take(pick % 15);
          else if (what === 'wait') set(nowMs + [1, 1_000, 5_000, 31_000][pick % 4]!);
          else await land(what, pick);
        }
      }),
      { numRuns: RUNS },
    );
  }, 60_000);
});
