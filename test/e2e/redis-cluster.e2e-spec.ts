import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { OwnRedisCluster } from '../support/own-redis-cluster.js';
import { chat, startSluice, type SluiceUnderTest } from '../support/sluice.js';

describe('on a Redis Cluster of three masters', () => {
  let redis: OwnRedisCluster;
  const sluices: SluiceUnderTest[] = [];

  beforeAll(async () => {
    redis = await new OwnRedisCluster().start();
    // Several groups, so that they lie on several nodes.
    for (let i = 0; i < 4; i++) {
      const yaml = 'router_settings: {num_retries: 1, cooldown_time: 1}';
      sluices.push(
        await startSluice([{ profile: 'first' }, { profile: 'second', params: 'order: 2' }], {
          yaml,
          env: { REDIS_URL: redis.url },
        }),
      );
    }
  }, 60_000);
  afterAll(async () => {
    await Promise.all(sluices.map((sluice) => sluice.stop()));
    await redis?.stop();
  }, 30_000);

  it('answers, streams and fails over: each script finds its keys on one slot', async () => {
    for (const sluice of sluices) {
      sluice.simulator.setProfile('first', { rules: [{ times: 1, do: { kind: 'rate_limit', retryAfterMs: 200 } }] });
      const { data, response } = await sluice.openai.chat.completions.create(chat(sluice.group)).withResponse();
      expect(data.choices[0]?.finish_reason).toBe('stop');
      expect(response.headers.get('x-litellm-model-id')).toBe(`${sluice.group}-second`);
      let text = '';
      for await (const chunk of await sluice.openai.chat.completions.create({ ...chat(sluice.group), stream: true })) {
        text += chunk.choices[0]?.delta.content ?? '';
      }
      expect(text).not.toBe('');
    }
  }, 30_000);
});
