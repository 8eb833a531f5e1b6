import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Agent, fetch } from 'undici';
import { eventually } from '../eventually.js';
import { nativeJobs } from '../support/native-jobs.js';
import { MASTER_KEY } from '../support/sluice.js';
import { withSluice, type PlayedSluice } from '../support/with-sluice.js';

const LONE = [{ profile: 'only', params: 'rpm: 100' }];

describe('a client that leaves (F22)', () => {
  let dispatcher: Agent; // its sockets end with the test: an idle one would keep the api from closing
  beforeEach(() => {
    dispatcher = new Agent();
  });
  afterEach(() => dispatcher.destroy());

  const callToLeave = ({ url, group }: PlayedSluice, body: Record<string, unknown>) => {
    const leave = new AbortController();
    const response = fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${MASTER_KEY}` },
      body: JSON.stringify({ model: group, messages: [{ role: 'user', content: 'Say hello.' }], ...body }),
      signal: leave.signal,
      dispatcher,
    });
    response.catch(() => undefined);
    return { response, leave: () => leave.abort() };
  };

  const closedSoon = async ({ callsTo, inFlight }: PlayedSluice): Promise<void> => {
    const leftAtMs = Date.now();
    await eventually(() => callsTo('only')[0]!.outcome === 'client_closed', {
      withinMs: 1_000,
      what: 'the socket to close',
    });
    const { atMs, endMs } = callsTo('only')[0]!;
    expect(atMs + endMs! - leftAtMs).toBeLessThan(1_000);
    await eventually(async () => (await inFlight()) === 0, { withinMs: 1_000, what: 'the lease to be given back' });
  };

  it.each([
    ['a stream before its first token', true],
    ['a JSON call', false],
  ])('%s: the provider’s socket is closed', async (_name, stream) => {
    await withSluice(LONE, { isWatched: true, scripts: { only: { latency: { p50: 5_000 } } } }, async (sluice) => {
      const { leave } = callToLeave(sluice, { stream });
      await eventually(() => sluice.callsTo('only').length === 1, {
        withinMs: 2_000,
        what: 'the provider to be called',
      });
      leave();
      await closedSoon(sluice);
      expect(sluice.callsTo('only')).toHaveLength(1);
    });
  });

  it('in the middle of a stream: the same', async () => {
    const slow = { tokensPerSecond: 20, answer: { tokens: 200 } };
    await withSluice(LONE, { isWatched: true, scripts: { only: slow } }, async (sluice) => {
      const { response, leave } = callToLeave(sluice, { stream: true });
      const reader = (await response).body!.getReader();
      const { done } = await reader.read();
      expect(done).toBe(false);
      leave();
      await closedSoon(sluice);
    });
  });

  it.each<[string, string, Record<string, string>, boolean]>([
    ['a JSON call that goes on', '/v1/chat/completions', { 'x-sluice-on-disconnect': 'continue' }, false],
    ['a JSON call with a key', '/v1/chat/completions', { 'idempotency-key': randomUUID() }, false],
    ['a stream with a key', '/v1/chat/completions', { 'idempotency-key': randomUUID() }, true],
    ['a job that is waited for', '/v1/jobs', { prefer: 'wait=20' }, false],
  ])('%s: its answer is not lost, and nobody cuts the provider off', async (_name, path, headers, stream) => {
    const slow = { latency: { p50: 400, p95: 401, p99: 402 }, answer: { tokens: 4 } };
    await withSluice(LONE, { isWatched: true, scripts: { only: slow } }, async (sluice) => {
      const { url, group, callsTo } = sluice;
      const chat = { model: group, messages: [{ role: 'user', content: 'Say hello.' }], stream };
      const body = path === '/v1/jobs' ? { endpoint: '/v1/chat/completions', body: chat } : chat;
      const leaving = new AbortController();
      const left = fetch(`${url}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${MASTER_KEY}`, ...headers },
        body: JSON.stringify(body),
        signal: leaving.signal,
        dispatcher,
      }).catch(() => 'left');
      await eventually(() => callsTo('only').length === 1, { withinMs: 2_000, what: 'the provider to be called' });
      leaving.abort();
      expect(await left).toBe('left');
      await eventually(() => callsTo('only')[0]!.outcome !== null, { withinMs: 3_000, what: 'the answer' });
      expect(callsTo('only').map(({ outcome }) => outcome)).toEqual(['completed']);
    });
  });

  it('leaves in the record what a job had cost when it was cancelled in the midst of its answer', async () => {
    const slow = { tokensPerSecond: 40, answer: { tokens: 200 } };
    await withSluice(LONE, { isWatched: true, scripts: { only: slow } }, async (sluice) => {
      const jobs = nativeJobs(sluice);
      const { body } = await jobs.submit({}, { stream: true });
      const soFar = async (): Promise<string> =>
        (await jobs.look(body['id'], '?include=output')).body['output_so_far'] ?? '';
      await eventually(async () => (await soFar()).length > 20, { withinMs: 5_000, what: 'some of the answer' });
      await jobs.cancel(body['id']);
      expect((await jobs.ended(body['id'])).body).toMatchObject({ status: 'cancelled' });
      const { body: attempts } = await jobs.send('GET', `/v1/jobs/${body['id']}/attempts`);
      const [attempt] = attempts['data'];
      expect(attempt).toMatchObject({
        outcome: 'cancelled',
        usage: { estimated: true, output_tokens: expect.any(Number) },
      });
      expect(attempt.usage.output_tokens).toBeGreaterThan(0);
    });
  });

  it('while the call waits for capacity: nobody is called for it', async () => {
    const refuses = {
      rules: [{ times: 1, do: { kind: 'rate_limit', retryAfterMs: 2_000 } }],
      limits: { retryAfter: 'ms' },
    };
    await withSluice(LONE, { isWatched: true, scripts: { only: refuses } }, async (sluice) => {
      const { leave } = callToLeave(sluice, {});
      await eventually(() => sluice.callsTo('only')[0]?.status === 429, { withinMs: 2_000, what: 'the 429' });
      leave();
      const next = await sluice.call({}); // waits for the same return
      expect(next.status).toBe(200);
      expect(sluice.callsTo('only').map((c) => c.status)).toEqual([429, 200]);
    });
  });

  it('does not count against the deployment', async () => {
    const yaml = 'router_settings: {allowed_fails: 0, cooldown_time: 60}';
    const scripts = { only: { rules: [{ times: 2, do: { delayHeadersMs: 5_000 } }] } };
    await withSluice(LONE, { isWatched: true, yaml, scripts }, async (sluice) => {
      for (let i = 1; i <= 2; i++) {
        const { leave } = callToLeave(sluice, { stream: i === 2 });
        await eventually(() => sluice.callsTo('only').length === i, {
          withinMs: 2_000,
          what: 'the provider to be called',
        });
        leave();
      }
      expect((await sluice.call({})).status).toBe(200);
    });
  });
});
