import { describe, expect, it } from '@jest/globals';
import { openRedis } from '@sluice/state';
import { eventually } from '../eventually.js';
import { MASTER_KEY, type PlayedDeployment } from '../support/sluice.js';
import { withSluice, type PlayedSluice } from '../support/with-sluice.js';

const by = (strategy: string, more = ''): string => `router_settings: {routing_strategy: ${strategy}${more}}`;

/** Who serves, by profile. */
const servedBy = async ({ call, group }: PlayedSluice, body: Record<string, unknown> = {}): Promise<string> => {
  const response = await call(body);
  await response.text();
  expect(response.status).toBe(200);
  return response.headers.get('x-litellm-model-id')!.slice(group.length + 1);
};

const shareOf = async (sluice: PlayedSluice, profile: string, calls: number, body = {}): Promise<number> => {
  let own = 0;
  for (let i = 0; i < calls; i++) if ((await servedBy(sluice, body)) === profile) own++;
  return own / calls;
};

describe('latency-based-routing', () => {
  const pair: PlayedDeployment[] = [{ profile: 'fast' }, { profile: 'slow' }];
  const scripts = {
    fast: { latency: { p50: 5 }, answer: { tokens: 5 } },
    slow: { latency: { p50: 60 }, answer: { tokens: 5 } },
  };

  it.each([false, true])('L51 goes to the faster once both are known, over two workers; stream: %s', async (stream) => {
    await withSluice(pair, { yaml: by('latency-based-routing'), workers: 2, scripts }, async (sluice) => {
      // Nothing is known: some go to each. One of the two is then known, and the other found by exploring.
      await Promise.all(Array.from({ length: 30 }, () => servedBy(sluice, { stream })));
      expect(sluice.callsTo('slow').length).toBeGreaterThan(0);
      await eventually(async () => (await shareOf(sluice, 'fast', 10, { stream })) === 1, {
        withinMs: 15_000,
        what: 'the samples to be seen by both workers',
      });
      expect(await shareOf(sluice, 'fast', 20, { stream })).toBe(1);
    });
  });

  it('L51 follows a deployment that becomes slow', async () => {
    const yaml = by('latency-based-routing', ', routing_strategy_args: {max_latency_list_size: 2}');
    await withSluice(pair, { yaml, scripts }, async (sluice) => {
      await Promise.all(Array.from({ length: 20 }, () => servedBy(sluice)));
      await eventually(async () => (await shareOf(sluice, 'fast', 5)) === 1, { withinMs: 5_000, what: 'fast to win' });
      sluice.play({ fast: { latency: { p50: 250 }, answer: { tokens: 5 } } });
      await eventually(async () => (await servedBy(sluice)) === 'slow', { withinMs: 8_000, what: 'slow to be faster' });
    });
  });
});

it('L52 cost-based-routing picks the cheapest by the prices that are written, for the call at hand', async () => {
  const three: PlayedDeployment[] = [
    { profile: 'cheap-in', params: 'input_cost_per_token: 0.000001, output_cost_per_token: 0.00001' },
    { profile: 'cheap-out', params: 'input_cost_per_token: 0.000003, output_cost_per_token: 0.000002' },
    { profile: 'dear', params: 'input_cost_per_token: 0.001, output_cost_per_token: 0.001' },
  ];
  await withSluice(three, { yaml: by('cost-based-routing') }, async (sluice) => {
    for (let i = 0; i < 5; i++) {
      expect(await servedBy(sluice, { max_tokens: 4_000 })).toBe('cheap-out');
      const long = [{ role: 'user', content: 'word '.repeat(4_000) }];
      expect(await servedBy(sluice, { max_tokens: 10, messages: long })).toBe('cheap-in');
    }
    expect(sluice.callsTo('dear')).toHaveLength(0);
  });
});

it('L48 weighted failover: what a deployment does not serve goes to the others by their weights', async () => {
  const three: PlayedDeployment[] = [
    { profile: 'broken', params: 'weight: 100' },
    { profile: 'much', params: 'weight: 9' },
    { profile: 'little', params: 'weight: 1' },
  ];
  const scripts = { broken: { rules: [{ do: { kind: 'server' } }] } };
  const yaml = 'router_settings: {enable_weighted_failover: true, disable_cooldowns: true}';
  await withSluice(three, { yaml, scripts }, async (sluice) => {
    const served = await Promise.all(Array.from({ length: 25 }, () => servedBy(sluice))); // within the budget of retries
    expect(served).not.toContain('broken');
    expect(served.filter((profile) => profile === 'much').length).toBeGreaterThan(14); // 22.5 expected
  });
});

describe('usage-based-routing', () => {
  it.each(['usage-based-routing', 'usage-based-routing-v2'])(
    'L53 spreads by the used share of tpm: %s',
    async (name) => {
      const pair: PlayedDeployment[] = [
        { profile: 'big', params: 'tpm: 300000' },
        { profile: 'small', params: 'tpm: 100000' },
      ];
      const script = { answer: { tokens: 20 }, latency: { p50: 1 } };
      await withSluice(
        pair,
        { yaml: by(name), workers: 2, scripts: { big: script, small: script } },
        async (sluice) => {
          await Promise.all(Array.from({ length: 80 }, () => servedBy(sluice)));
          expect(sluice.callsTo('big').length).toBeGreaterThanOrEqual(57); // 60, and what is reserved differs from what is used
          expect(sluice.callsTo('big').length).toBeLessThanOrEqual(63);
        },
      );
    },
  );

  it('L53 counts for deployments without limits as well', async () => {
    const pair: PlayedDeployment[] = [{ profile: 'a' }, { profile: 'b' }];
    await withSluice(pair, { yaml: by('usage-based-routing'), workers: 2 }, async (sluice) => {
      for (let i = 0; i < 20; i++) await servedBy(sluice);
      expect([sluice.callsTo('a').length, sluice.callsTo('b').length]).toEqual([10, 10]);
    });
  });
});

describe('routing_groups', () => {
  const models: PlayedDeployment[] = [
    { profile: 'dear', params: 'input_cost_per_token: 1, output_cost_per_token: 1', group: 'one' },
    { profile: 'cheap', params: 'input_cost_per_token: 0.1, output_cost_per_token: 0.1', group: 'two' },
    { profile: 'own' },
  ];
  const yaml = `router_settings:
  routing_groups: [{group_name: GROUP-all, models: [GROUP-one, GROUP-two], routing_strategy: cost-based-routing}]`;

  it('are called by name, over the deployments of all their models, with a strategy of their own', async () => {
    await withSluice(models, { yaml, workers: 2 }, async (sluice) => {
      const { group } = sluice;
      for (let i = 0; i < 6; i++) expect(await servedBy(sluice, { model: `${group}-all` })).toBe('cheap');
      expect(await servedBy(sluice, { model: `${group}-one` })).toBe('dear');
      expect(await servedBy(sluice)).toBe('own');
      sluice.play({ cheap: { rules: [{ do: { kind: 'server' } }] } });
      expect(await servedBy(sluice, { model: `${group}-all` })).toBe('dear');
    });
  });

  it('least-busy counts over the groups of a union', async () => {
    const busy = yaml.replace('cost-based-routing', 'least-busy');
    const slow = { latency: { p50: 1_200 } };
    await withSluice(models, { yaml: busy, scripts: { dear: slow, cheap: slow } }, async (sluice) => {
      const { group, callsTo } = sluice;
      const held = [1, 2, 3].map(() => servedBy(sluice, { model: `${group}-one` }));
      await eventually(() => callsTo('dear').length === 3, { withinMs: 2_000, what: 'three calls to run' });
      await eventually(async () => (await servedBy(sluice, { model: `${group}-all` })) === 'cheap', {
        withinMs: 3_000,
        what: 'the idle one to be seen',
      });
      await Promise.all(held);
    });
  });
});

describe('GET /v1/deployments/explain', () => {
  interface Told {
    strategy: string;
    candidates: {
      deployment: string;
      verdict: string;
      reason: string | null;
      measure: { by: string; value: number };
    }[];
  }
  const explained = async ({ url, group }: PlayedSluice, more = ''): Promise<Told> => {
    const headers = { authorization: `Bearer ${MASTER_KEY}` };
    const response = await fetch(`${url}/v1/deployments/explain?model=${group}${more}`, { headers });
    return (await response.json()) as Told;
  };
  const pair: PlayedDeployment[] = [{ profile: 'fast' }, { profile: 'slow' }];

  it('tells the latencies that a strategy goes by', async () => {
    const scripts = { fast: { latency: { p50: 5 } }, slow: { latency: { p50: 80 } } };
    await withSluice(pair, { yaml: by('latency-based-routing'), scripts }, async (sluice) => {
      await Promise.all(Array.from({ length: 20 }, () => servedBy(sluice, { stream: true })));
      const { strategy, candidates } = await explained(sluice, '&stream=true');
      expect(strategy).toBe('latency-based-routing');
      const [fast, slow] = candidates;
      expect(fast).toMatchObject({ verdict: 'chosen', measure: { by: 'first_token_ms' } });
      expect(slow).toMatchObject({ verdict: 'skipped', reason: 'not_picked' });
      expect(slow!.measure.value).toBeGreaterThan(fast!.measure.value);
    });
  });

  it('tells of a spent budget', async () => {
    const params = 'input_cost_per_token: 1, output_cost_per_token: 1, max_budget: 1, budget_duration: 1d';
    await withSluice([{ profile: 'poor', params }, { profile: 'rich' }], {}, async (sluice) => {
      await eventually(async () => (await servedBy(sluice)) === 'poor', { withinMs: 4_000, what: 'poor to be asked' });
      const { candidates } = await explained(sluice);
      expect(candidates.map(({ reason, verdict }) => reason ?? verdict)).toEqual(['budget', 'chosen']);
    });
  });

  it('tells the used shares', async () => {
    const limited = pair.map((own) => ({ ...own, params: 'rpm: 100' }));
    await withSluice(limited, { yaml: by('usage-based-routing') }, async (sluice) => {
      await servedBy(sluice);
      const { candidates } = await explained(sluice);
      expect(candidates.map(({ measure }) => measure.value).toSorted((a, b) => a - b)).toEqual([0, 0.01]);
      expect(candidates.map(({ measure }) => measure.by)).toEqual(['used_share', 'used_share']);
    });
  });
});

it('an attempt keeps why it was that deployment: in the record of the job, with all that were considered', async () => {
  const three: PlayedDeployment[] = [
    { profile: 'a', params: 'weight: 1000' },
    { profile: 'b', params: 'weight: 1' },
    { profile: 'c', params: 'order: 2' },
  ];
  const failing = { rules: [{ times: 1, do: { kind: 'server' } }] };
  const redis = openRedis(process.env['REDIS_URL']!, { role: 'worker', onError: () => {} });
  try {
    await withSluice(three, { scripts: { a: failing } }, async ({ call, group, callsTo }) => {
      let response = await call({});
      while (callsTo('a').length === 0) response = await call({}); // one in a thousand begins with b
      const jobId = response.headers.get('x-litellm-call-id')!;
      const outcome = await redis.hget(`{sluice:${group}}:job:${jobId}`, 'outcome');
      expect(JSON.parse(outcome!)).toMatchObject({
        served: { deployment: `${group}-b`, measure: { by: 'weight', value: 1 } },
        tried: [
          {
            deployment: `${group}-a`,
            kind: 'server',
            considered: [
              { deployment: `${group}-a`, verdict: 'chosen', measure: { by: 'weight', value: 1_000 } },
              {
                deployment: `${group}-b`,
                verdict: 'skipped',
                reason: 'not_picked',
                measure: { by: 'weight', value: 1 },
              },
              { deployment: `${group}-c`, verdict: 'skipped', reason: 'lower_order' },
            ],
          },
        ],
      });
    });
  } finally {
    redis.disconnect();
  }
});
