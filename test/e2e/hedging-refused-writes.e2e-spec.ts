import { expect, it } from '@jest/globals';
import { Leases, openRedis } from '@sluice/state';
import { eventually } from '../eventually.js';
import { OwnRedis } from '../support/own-redis.js';
import { startSluice } from '../support/sluice.js';

it('a hedge that Redis refuses to account for leaves neither a call nor a lease behind', async () => {
  const redis = await new OwnRedis().start();
  const admin = openRedis(redis.url, { role: 'worker', onError: () => undefined });
  const pair = [
    { profile: 'first', params: 'order: 1' },
    { profile: 'second', params: 'order: 2' },
  ];
  const sluice = await startSluice(pair, { yaml: 'sluice: {hedge_after: 0.2}', env: { REDIS_URL: redis.url } });
  try {
    const { simulator, group } = sluice;
    simulator.setProfile('first', { rules: [{ do: { delayHeadersMs: 1_200, status: 500 } }] });
    simulator.setProfile('second', { rules: [{ do: { hang: true } }] });
    const calling = sluice.call({ stream: true });
    const second = () => simulator.requests({ profile: 'second' });
    await eventually(() => second().length === 1, { withinMs: 1_000, what: 'the hedge' });
    await admin.config('SET', 'min-replicas-to-write', '1'); // the first fails now, and nobody may write so
    await eventually(() => second()[0]!.outcome === 'client_closed', { withinMs: 4_000, what: 'the close' });
    await admin.config('SET', 'min-replicas-to-write', '0');
    expect(await (await calling).text()).toContain('internal_error');

    const leases = new Leases(admin);
    const inFlight = async () => (await leases.look(group, [`${group}-second`]))[0]!.inFlight;
    await eventually(async () => (await inFlight()) === 0, { withinMs: 17_000, what: 'the lease to run out' });
  } finally {
    await admin.config('SET', 'min-replicas-to-write', '0');
    await sluice.stop();
    admin.disconnect();
    await redis.stop('SIGKILL');
  }
}, 40_000);
