import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../eventually.js';
import { callOnce, Cluster } from '../support/cluster.js';
import { Nginx } from '../support/nginx.js';
import { MASTER_KEY } from '../support/sluice.js';
import type { SluiceProcess } from '../support/sluice-process.js';

describe('two api and two workers behind the shipped nginx', () => {
  let cluster: Cluster;
  let nginx: Nginx;
  let apis: SluiceProcess[];
  let workers: SluiceProcess[];

  beforeAll(async () => {
    cluster = await new Cluster().start([{ profile: 'only' }]);
    apis = [await cluster.api(), await cluster.api()];
    workers = [await cluster.worker(), await cluster.worker()];
    nginx = await Nginx.start(apis.map((api) => api.origin));
    cluster.watch.alsoAt(nginx.origin);
  }, 40_000);
  afterAll(async () => {
    await nginx?.stop();
    await cluster?.stop();
  });

  it('streams token by token: nothing between provider and client gathers', async () => {
    cluster.simulator.setProfile('only', { tokensPerSecond: 20, answer: { tokens: 10 } });
    const response = await fetch(`${nginx.origin}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${MASTER_KEY}` },
      body: JSON.stringify({ model: cluster.group, stream: true, messages: [{ role: 'user', content: 'Hello.' }] }),
    });
    const arrivals: number[] = [];
    for await (const _ of response.body!) arrivals.push(performance.now());
    expect(arrivals.length).toBeGreaterThanOrEqual(8);
    expect(arrivals.at(-1)! - arrivals[0]!).toBeGreaterThan(300); // ten tokens at 20 a second
  });

  it('passes a file on that is larger than a call may be', async () => {
    const form = new FormData();
    form.set('purpose', 'batch');
    form.set('file', new Blob([new Uint8Array(34 << 20)]), 'lines.jsonl');
    const headers = { authorization: `Bearer ${MASTER_KEY}` };
    const response = await fetch(`${nginx.origin}/v1/files`, { method: 'POST', headers, body: form });
    // No database here, so that the api itself declines; nginx would have said 413, in HTML.
    expect(await response.json()).toMatchObject({ error: { code: 'storage_unavailable' } });
  });

  it('loses no accepted call whose client can still receive it when an api and a worker are killed', async () => {
    cluster.simulator.setProfile('only', { latency: { p50: 3_000, p95: 3_001, p99: 3_002 }, answer: { tokens: 10 } });
    const calls = Array.from({ length: 60 }, (_, i) => callOnce(nginx.origin, `n${i}`, { stream: i % 2 === 1 }));
    await eventually(() => cluster.simulator.stats().inFlight === 60, { withinMs: 10_000, what: 'all to be called' });
    await Promise.all([apis[0]!.end('SIGKILL'), workers[0]!.end('SIGKILL')]);
    const outcomes = await Promise.all(calls);

    // nginx tells who was held by the killed api: 502, or a cut head. All the others have their answer.
    const answered = outcomes.filter((o) => o.kind === 'answer');
    const heldByTheDead = outcomes.filter((o) => o.kind !== 'answer');
    expect(heldByTheDead.every((o) => o.status === 502 || o.kind === 'cut')).toBe(true);
    expect(heldByTheDead.length).toBeLessThanOrEqual(35); // least_conn: about half
    expect(answered.length + heldByTheDead.length).toBe(60);

    const after = await Promise.all(Array.from({ length: 20 }, (_, i) => callOnce(nginx.origin, `m${i}`)));
    expect(after.filter((o) => o.kind !== 'answer')).toEqual([]);
  }, 60_000);
});
