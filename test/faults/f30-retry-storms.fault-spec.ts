import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import OpenAI from 'openai';
import { eventually } from '../eventually.js';
import { Cluster } from '../support/cluster.js';
import type { SluiceProcess } from '../support/sluice-process.js';
import { MASTER_KEY } from '../support/sluice.js';

const CALLS = 40;

/** openai-node as it comes, behind a balancer: each request goes to the next replica that takes connections. */
function clientOf(replicas: readonly SluiceProcess[], headers: Record<string, string> = {}): OpenAI {
  let next = 0;
  const balanced: typeof fetch = async (url, init) => {
    const { origin } = replicas[next++ % replicas.length]!;
    try {
      return await fetch((url as string).replace('http://balanced', origin), init);
    } catch (error) {
      const { code } = ((error as Error).cause ?? {}) as { code?: string };
      if (code === 'ECONNREFUSED') return balanced(url, init);
      throw error;
    }
  };
  return new OpenAI({ apiKey: MASTER_KEY, baseURL: 'http://balanced/v1', fetch: balanced, defaultHeaders: headers });
}

describe('a storm of retries of openai-node, at two replicas (F30)', () => {
  let cluster: Cluster;
  let replicas: SluiceProcess[] = [];

  beforeAll(async () => {
    cluster = await new Cluster().start([{ profile: 'only' }], 'litellm_settings: {num_retries: 0}');
    await cluster.worker();
  });
  afterAll(() => cluster?.stop());
  afterEach(async () => {
    await Promise.all(replicas.map((replica) => replica.end('SIGKILL')));
    cluster.simulator.reset();
  });

  const open = async (latencyMs: number): Promise<SluiceProcess[]> => {
    cluster.simulator.setProfile('only', { latency: { p50: latencyMs, p95: latencyMs + 1, p99: latencyMs + 2 } });
    const env = { SLUICE_DRAIN_MS: '300' };
    replicas = await Promise.all([cluster.api(env), cluster.api(env)]);
    return replicas;
  };

  /** The calls of many clients, each with its own question; the answers' ids are those of their jobs. */
  const ask = (client: OpenAI, { keyed = false, stream = false } = {}): Promise<string>[] =>
    Array.from({ length: CALLS }, async (_, i) => {
      const body = { model: cluster.group, messages: [{ role: 'user' as const, content: `call ${i % 20}.` }] };
      const options = keyed ? { headers: { 'Idempotency-Key': `storm-${stream}-${i}` } } : {};
      if (!stream) return (await client.chat.completions.create(body, options)).id;
      let id = '';
      for await (const chunk of await client.chat.completions.create({ ...body, stream: true }, options)) id = chunk.id;
      return id;
    });
  const allCalled = () =>
    eventually(() => cluster.simulator.requests().length === CALLS, { withinMs: 10_000, what: 'all to be called' });

  it('after wait_timeout: each call is paid for once, and equal calls share nothing', async () => {
    const client = clientOf(await open(900), { Prefer: 'wait=0.2' });
    const ids = await Promise.all(ask(client));
    expect([new Set(ids).size, cluster.simulator.requests().length]).toEqual([CALLS, CALLS]);
  }, 30_000);

  it('when a replica is stopped: those that it held are answered by the other', async () => {
    const client = clientOf(await open(1_500));
    const answers = ask(client);
    await allCalled();
    replicas[0]!.kill('SIGTERM');
    expect([new Set(await Promise.all(answers)).size, cluster.simulator.requests().length]).toEqual([CALLS, CALLS]);
  }, 30_000);

  it.each([false, true])(
    'when a replica is killed: calls with a key are paid for once (stream: %p)',
    async (stream) => {
      const client = clientOf(await open(1_500));
      const answers = ask(client, { keyed: true, stream });
      await allCalled();
      replicas[0]!.kill('SIGKILL');
      expect([new Set(await Promise.all(answers)).size, cluster.simulator.requests().length]).toEqual([CALLS, CALLS]);
    },
    30_000,
  );
});
