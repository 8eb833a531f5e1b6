import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../eventually.js';
import { callOnce, Cluster } from '../support/cluster.js';

const CALLS = 20;

describe('a deployment whose key is refused (L27)', () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await new Cluster().start([
      { profile: 'locked', params: 'order: 1' },
      { profile: 'open', params: 'order: 2' },
    ]);
  });
  afterAll(() => cluster?.stop());

  it('is out for all workers, served by the next, and told once, as an error, without the key', async () => {
    const { simulator } = cluster;
    const api = await cluster.api();
    const workers = await Promise.all([cluster.worker(), cluster.worker()]);
    simulator.setProfile('locked', { rules: [{ do: { kind: 'auth' } }], latency: { p50: 100 } });
    const together = await Promise.all(Array.from({ length: CALLS }, (_, i) => callOnce(api.origin, `t${i}`)));
    const asked = simulator.requests({ profile: 'locked' }).length;
    for (let i = 0; i < 5; i++) together.push(await callOnce(api.origin, `l${i}`));
    expect(together.filter(({ kind }) => kind !== 'answer')).toEqual([]);
    expect(simulator.requests({ profile: 'locked' })).toHaveLength(asked);

    const said = (): string => workers.map(({ stderr }) => stderr).join('');
    await eventually(() => said().includes('deployment.out'), { withinMs: 2_000, what: 'the alert' });
    const alerts = said()
      .split('\n')
      .filter((line) => line.includes('deployment.out'))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(alerts).toHaveLength(1);
    expect(alerts[0]).toMatchObject({ deployment: `${cluster.group}-locked`, kind: 'auth' });
    expect(['error', 50]).toContain(alerts[0]!['level']);
    expect(said()).not.toContain('sk-provider');
  }, 40_000);
});
