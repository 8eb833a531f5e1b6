import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { chatLine, linesOf, startBatch, untilOver } from '../support/batch-lines.js';
import { freshDatabase } from '../support/own-postgres.js';
import { OwnRedisCluster } from '../support/own-redis-cluster.js';
import { chat, MASTER_KEY, startSluice, type SluiceUnderTest } from '../support/sluice.js';
import { temporaryFolder } from '../support/sluice-process.js';

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

  it('runs jobs and batches, erases, retries, lists and purges', async () => {
    const store = await freshDatabase();
    const sluice = await startSluice([{ profile: 'only' }], {
      env: { REDIS_URL: redis.url, DATABASE_URL: store.url, SLUICE_DATA_DIR: temporaryFolder() },
    });
    const { url, group, openai } = sluice;
    const ask = async (method: string, path: string, body?: unknown, more: Record<string, string> = {}) => {
      const headers = { authorization: `Bearer ${MASTER_KEY}`, 'content-type': 'application/json', ...more };
      const init = body === undefined ? {} : { body: JSON.stringify(body) };
      const response = await fetch(`${url}${path}`, { method, headers, ...init });
      const text = await response.text();
      return {
        status: response.status,
        body: text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : text,
      };
    };
    const create = { endpoint: '/v1/chat/completions', body: chat(group) };
    const later = { ...create, not_before: Math.floor(Date.now() / 1_000) + 86_400, retention: { request: '1h' } };
    try {
      const key = { 'idempotency-key': 'once', prefer: 'wait=10' };
      const [one, two] = [await ask('POST', '/v1/jobs', create, key), await ask('POST', '/v1/jobs', create, key)];
      expect([one.status, two.status, one.body['id' as never]]).toEqual([200, 200, two.body['id' as never]]);
      const id = one.body['id' as never] as string;
      expect((await ask('GET', `/v1/jobs/${id}/events`)).body).toContain('job.completed');
      const delayed = await ask('POST', '/v1/jobs', later);
      expect(delayed).toMatchObject({ status: 202, body: { status: 'delayed' } });
      const delayedId = delayed.body['id' as never] as string;
      expect(await ask('POST', `/v1/jobs/${delayedId}/cancel`)).toMatchObject({ body: { status: 'cancelled' } });
      expect(await ask('POST', `/v1/jobs/${delayedId}/retry`, {})).toMatchObject({ status: 202 });
      expect(await ask('DELETE', `/v1/jobs/${id}`)).toMatchObject({ status: 200 });
      const batch = await startBatch(openai, [chatLine('a', group), chatLine('b', group)]);
      const over = await untilOver(openai, batch.id);
      expect(await linesOf(openai, over.output_file_id)).toHaveLength(2);
      const listed = await ask('GET', '/v1/jobs?limit=100');
      expect(listed.status).toBe(200);
      expect((listed.body as unknown as { data: unknown[] }).data.length).toBeGreaterThanOrEqual(4);
      for (const step of ['pause', 'purge', 'resume'])
        expect(await ask('POST', `/v1/queues/${group}/${step}`, {})).toMatchObject({ status: 200 });
      const response = await openai.responses.create({ model: group, input: 'hello', background: true });
      expect(response.status).toMatch(/queued|in_progress|completed/);
    } finally {
      await sluice.stop();
      await store.drop();
    }
  }, 60_000);
});
