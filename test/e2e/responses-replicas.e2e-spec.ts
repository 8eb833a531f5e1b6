import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { openRedis } from '@sluice/state';
import OpenAI, { APIError } from 'openai';
import type { ResponseStreamEvent } from 'openai/resources/responses/responses';
import { createApi } from '../../apps/api/src/create-api.js';
import { HTTP_TIMES } from '../../apps/api/src/http/http-times.js';
import { eventually } from '../eventually.js';
import { MASTER_KEY, startSluice, type SluiceUnderTest } from '../support/sluice.js';

/** Any replica knows any response: it is in the job's record and stream. */
let sluice: SluiceUnderTest;
let second: NestFastifyApplication;
let first: OpenAI;
let other: OpenAI;
let redis: ReturnType<typeof openRedis>;

beforeAll(async () => {
  redis = openRedis(process.env['REDIS_URL']!, { role: 'worker', onError: () => undefined });
  sluice = await startSluice([{ profile: 'a' }, { profile: 'b' }], {
    yaml: 'litellm_settings: {allowed_fails: 100}\nrouter_settings: {routing_strategy: simple-shuffle}',
  });
  const settings = { ...sluice.settings, drainMs: 50 };
  second = await createApi(settings, process.env['REDIS_URL']!, { ...HTTP_TIMES, heartbeatMs: 50 });
  await second.listen(0, '127.0.0.1');
  const { port } = second.getHttpServer().address() as { port: number };
  first = sluice.openai;
  other = new OpenAI({ apiKey: MASTER_KEY, baseURL: `http://127.0.0.1:${port}/v1`, maxRetries: 0 });
});
afterAll(async () => {
  redis?.disconnect();
  await second?.close();
  await sluice?.stop();
});

const TEXT = Array.from({ length: 40 }, (_, i) => `word${i}`).join(' ');
const play = (a: object, b = a): void => {
  sluice.simulator.setProfile('a', a);
  sluice.simulator.setProfile('b', b);
};
const begin = async (): Promise<{ id: string; seen: ResponseStreamEvent[] }> => {
  const stream = await first.responses.create({ model: sluice.group, input: 'Hi', background: true, stream: true });
  const seen: ResponseStreamEvent[] = [];
  for await (const event of stream) {
    seen.push(event);
    if (event.type === 'response.output_text.delta') break;
  }
  return { id: (seen[0] as { response: { id: string } }).response.id, seen };
};
const textOf = (events: readonly ResponseStreamEvent[]): string =>
  events.map((event) => (event.type === 'response.output_text.delta' ? event.delta : '')).join('');
const numbersOf = (events: readonly ResponseStreamEvent[]): number[] => events.map((event) => event.sequence_number);

it('goes on at another replica, over a provider that breaks off, without a gap or a repeat', async () => {
  const slow = { answer: { text: TEXT }, tokensPerSecond: 200, tokensPerChunk: 1 };
  play({ ...slow, rules: [{ times: 1, do: { cutAfter: 12 } }] });
  const { id, seen } = await begin();
  const rest = await other.responses.retrieve(id, { stream: true, starting_after: seen.at(-1)!.sequence_number });
  for await (const event of rest) seen.push(event);
  expect(numbersOf(seen)).toEqual(seen.map((_, i) => i));
  expect(seen.at(-1)?.type).toBe('response.completed');
  const again: ResponseStreamEvent[] = [];
  for await (const event of await first.responses.retrieve(id, { stream: true })) again.push(event);
  expect(again).toEqual(seen);
  expect((await other.responses.retrieve(id)).output_text).toBe(textOf(seen));
});

it('is cancelled at another replica, and its readers are told', async () => {
  play({ answer: { tokens: 400 }, tokensPerSecond: 20, tokensPerChunk: 1 });
  const { id } = await begin();
  const reading = first.responses.stream({ response_id: id }).finalResponse();
  expect((await other.responses.cancel(id)).status).toBe('cancelled');
  expect((await reading).status).toBe('cancelled');
  await eventually(() => sluice.simulator.stats().inFlight === 0, { withinMs: 2_000, what: 'the call to be closed' });
});

it('is kept for a day with what it was asked, and its stream for ten minutes', async () => {
  play({ answer: { text: 'Hello.' } });
  const { id } = await first.responses
    .create({ model: sluice.group, input: 'Hi', background: true, stream: true })
    .then(async (stream) => {
      let last: ResponseStreamEvent | undefined;
      for await (const event of stream) last = event;
      return (last as { response: { id: string } }).response;
    });
  const sync = await first.responses.create({ model: sluice.group, input: 'Hi' });
  const key = (what: string, response: string): string => `{sluice:${sluice.group}}:${what}:job_${response.slice(5)}`;
  for (const each of [id, sync.id]) {
    expect(await redis.pttl(key('job', each))).toBeGreaterThan(86_000_000);
    expect(await redis.hexists(key('job', each), 'request')).toBe(1);
  }
  const streamTtl = await redis.pttl(key('stream', id));
  expect([streamTtl > 500_000, streamTtl <= 600_000]).toEqual([true, true]);
});

it('tells a reader that a replica which shuts down is not the end', async () => {
  play({ answer: { text: TEXT }, tokensPerSecond: 60, tokensPerChunk: 1 });
  const { id, seen } = await begin();
  const reading = (async () => {
    const after = seen.at(-1)!.sequence_number;
    for await (const event of await other.responses.retrieve(id, { stream: true, starting_after: after })) {
      seen.push(event);
      if (seen.length === 8) void second.close();
    }
  })();
  await expect(reading).rejects.toThrow(APIError);
  const after = seen.at(-1)!.sequence_number;
  for await (const event of await first.responses.retrieve(id, { stream: true, starting_after: after }))
    seen.push(event);
  expect(numbersOf(seen)).toEqual(seen.map((_, i) => i));
  expect(textOf(seen)).toBe(TEXT);
});
