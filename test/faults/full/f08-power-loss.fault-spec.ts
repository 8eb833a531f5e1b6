import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../../eventually.js';
import { Cluster } from '../../support/cluster.js';
import { tell } from '../../support/full-size.js';
import { MASTER_KEY } from '../../support/sluice.js';
import type { SluiceProcess } from '../../support/sluice-process.js';

const LOST_MS = 1_000;
const BEFORE_MS = 4_000;

describe('a host that loses its power: Redis and the last second of its append-only file are gone (F8)', () => {
  let cluster: Cluster;
  let api: SluiceProcess;

  beforeAll(async () => {
    cluster = await new Cluster().start([{ profile: 'only' }]);
    cluster.watch.allow(
      /^I2 .* is gone$/,
      'accepted in the last second; that it is none of the others is looked at below',
    );
    api = await cluster.api();
    await cluster.worker();
  });
  afterAll(() => cluster?.stop());

  it('costs what was accepted in that second and nothing else, and each lost job is known to be lost', async () => {
    cluster.simulator.setProfile('only', { answer: { tokens: 10 }, latency: { p50: 300 } });
    const accepted: { id: string; atMs: number }[] = [];
    const startedAt = Date.now();
    const submitOn = async (): Promise<void> => {
      while (Date.now() - startedAt < BEFORE_MS + LOST_MS) {
        const id = await submit(api.origin);
        accepted.push({ id, atMs: Date.now() });
      }
    };
    const submitting = Array.from({ length: 8 }, () => submitOn());
    await eventually(() => Date.now() - startedAt >= BEFORE_MS, { withinMs: 10_000, what: 'the last second to begin' });
    const sizeThen = cluster.redis.appendOnlyBytes();
    const cutAtMs = Date.now();
    await Promise.all(submitting);

    await cluster.redis.stop('SIGKILL');
    cluster.redis.cutAppendOnlyTo(sizeThen);
    await cluster.redis.start();
    const before = accepted.filter(({ atMs }) => atMs < cutAtMs);
    expect(before.length).toBeGreaterThan(20);
    expect(accepted.length).toBeGreaterThan(before.length);

    const states = new Map<string, string>();
    await eventually(
      async () => {
        for (const { id } of accepted) if (!isOver(states.get(id))) states.set(id, await stateOf(api.origin, id));
        return [...states.values()].every(isOver);
      },
      { withinMs: 60_000, what: 'every job to be over, or known to be lost' },
    );
    expect(before.filter(({ id }) => states.get(id) !== 'completed')).toEqual([]);
    const lost = accepted.filter(({ id }) => states.get(id) === 'lost');
    tell('F8', { accepted: accepted.length, lost: lost.length });
    const id = await submit(api.origin);
    await eventually(async () => (await stateOf(api.origin, id)) === 'completed', {
      withinMs: 20_000,
      what: 'a new job',
    });
  }, 120_000);
});

const isOver = (state: string | undefined): boolean => state === 'completed' || state === 'lost';

async function submit(origin: string): Promise<string> {
  const body = { model: 'gpt-4o', messages: [{ role: 'user', content: 'call f8.' }] };
  const response = await fetch(`${origin}/v1/jobs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${MASTER_KEY}` },
    body: JSON.stringify({ endpoint: '/v1/chat/completions', body }),
  });
  expect(response.status).toBe(202);
  return ((await response.json()) as { id: string }).id;
}

async function stateOf(origin: string, id: string): Promise<string> {
  const response = await fetch(`${origin}/v1/jobs/${id}`, { headers: { authorization: `Bearer ${MASTER_KEY}` } });
  if (response.status === 404) return 'lost';
  return response.status === 200
    ? ((await response.json()) as { status: string }).status
    : `answered ${response.status}`;
}
