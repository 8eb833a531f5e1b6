import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { openRedis } from '@sluice/state';
import { eventually } from '../eventually.js';
import { MASTER_KEY, startSluice, type SluiceUnderTest } from '../support/sluice.js';

/** Responses that are asked for by their id, and those that go on with them. */
let sluice: SluiceUnderTest;
let redis: ReturnType<typeof openRedis>;

beforeAll(async () => {
  redis = openRedis(process.env['REDIS_URL']!, { role: 'worker', onError: () => undefined });
  sluice = await startSluice([{ profile: 'only' }], {
    yaml: 'litellm_settings: {num_retries: 0, allowed_fails: 100}',
    times: { heartbeatMs: 50 },
  });
});
afterAll(async () => {
  redis?.disconnect();
  await sluice?.stop();
});
beforeEach(() => {
  play({});
  sluice.simulator.reset();
});

const play = (script: object): void => sluice.simulator.setProfile('only', script);
const seen = (): unknown[] => sluice.simulator.requests({}).map(({ body }) => (body as { messages: unknown }).messages);

interface SeenResponse {
  id: string;
  status: string;
  output: { content: { text: string }[] }[];
  error: { code: string; message: string } | null;
}

const SLOW = { answer: { tokens: 400 }, tokensPerSecond: 20, tokensPerChunk: 1 };
const fetchAs = (path: string, init: RequestInit = {}, tenant = 'default'): Promise<Response> =>
  fetch(`${sluice.url}${path}`, {
    ...init,
    headers: {
      ...(init.body === undefined ? {} : { 'content-type': 'application/json' }),
      authorization: `Bearer ${MASTER_KEY}`,
      'x-sluice-tenant': tenant,
    },
  });
const post = (body: Record<string, unknown>, tenant?: string): Promise<Response> =>
  fetchAs(
    '/v1/responses',
    { method: 'POST', body: JSON.stringify({ model: sluice.group, input: 'Hi', ...body }) },
    tenant,
  );
const create = async (body: Record<string, unknown>, tenant?: string): Promise<SeenResponse> => {
  const answer = await post(body, tenant);
  expect(answer.status).toBe(200);
  return (await answer.json()) as SeenResponse;
};
const get = async (id: string, tenant?: string): Promise<SeenResponse> =>
  (await (await fetchAs(`/v1/responses/${id}`, {}, tenant)).json()) as SeenResponse;
const ended = async (id: string): Promise<SeenResponse> => {
  let response: SeenResponse | undefined;
  await eventually(
    async () => {
      response = await get(id);
      return !['queued', 'in_progress'].includes(response.status);
    },
    { withinMs: 8_000, what: 'the response to end' },
  );
  return response!;
};
const eventsOf = (sse: string): { type: string; sequence_number: number; response?: SeenResponse }[] =>
  [...sse.matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data!) as never);
const streamOf = async (path: string): Promise<string> => (await fetchAs(path)).text();

describe('a response that is stored', () => {
  it.each([false, true])('is got again as it was, stream: %s', async (stream) => {
    play({ answer: { text: 'Hello, you.' } });
    const answer = await post({ stream, metadata: { a: 'b' } });
    const created = stream ? eventsOf(await answer.text()).at(-1)!.response! : ((await answer.json()) as SeenResponse);
    expect(created).toMatchObject({ status: 'completed', output: [{ content: [{ text: 'Hello, you.' }] }] });
    expect(await get(created.id)).toEqual(created);
  });

  it('is not there with store: false, of another tenant, of another kind of job, or under a made-up id', async () => {
    const unstored = await create({ store: false });
    const stored = await create({});
    const chat = await sluice.call({}, { 'idempotency-key': `k-${sluice.group}` });
    const chatId = ((await chat.json()) as { id: string }).id.replace('chatcmpl-', 'resp_');
    const job = await fetchAs('/v1/jobs', {
      method: 'POST',
      body: JSON.stringify({
        endpoint: '/v1/chat/completions',
        body: { model: sluice.group, messages: [{ role: 'user', content: 'x' }] },
      }),
    });
    const jobId = ((await job.json()) as { id: string }).id.replace('job_', 'resp_');
    for (const [id, tenant] of [
      [unstored.id, 'default'],
      [stored.id, 'other'],
      [chatId, 'default'],
      [jobId, 'default'],
      ['resp_', 'default'],
      [`resp_${'0'.repeat(32)}`, 'default'],
      [stored.id.replace('resp_', 'job_'), 'default'],
    ] as const) {
      for (const [method, path] of [
        ['GET', ''],
        ['GET', '?stream=true'],
        ['GET', '/input_items'],
        ['POST', '/cancel'],
      ] as const) {
        const answer = await fetchAs(`/v1/responses/${id}${path}`, { method }, tenant);
        expect([method, path, answer.status, await answer.json()]).toEqual([
          method,
          path,
          404,
          {
            error: {
              message: `There is no response "${id}".`,
              type: 'invalid_request_error',
              param: 'id',
              code: 'not_found',
            },
          },
        ]);
      }
    }
  });

  it('is gone on with: what was said is said again, its instructions are not', async () => {
    play({ answer: { text: 'First.' } });
    const first = await create({ input: 'One', instructions: 'Be brief.' });
    play({ answer: { text: 'Second.' } });
    const second = await create({ input: 'Two', previous_response_id: first.id, stream: false });
    await create({
      input: [{ role: 'user', content: 'Three' }],
      previous_response_id: second.id,
      instructions: 'New.',
    });
    expect(seen().at(-1)).toEqual([
      { role: 'system', content: 'New.' },
      { role: 'user', content: 'One' },
      { role: 'assistant', content: 'First.' },
      { role: 'user', content: 'Two' },
      { role: 'assistant', content: 'Second.' },
      { role: 'user', content: 'Three' },
    ]);
    expect(second).toMatchObject({ previous_response_id: first.id });
  });

  it('is gone on with over a call of a function, after a stream', async () => {
    play({ answer: { toolCalls: [{ name: 'geo', arguments: { n: 1 } }], finish: 'tool_calls' } });
    const tools = [{ type: 'function', name: 'geo', parameters: { type: 'object', properties: {} } }];
    const streamed = eventsOf(await (await post({ input: 'Where?', tools, stream: true })).text()).at(-1)!.response!;
    const [call] = streamed.output as unknown as { call_id: string; arguments: string }[];
    play({ answer: { text: 'In Bern.' } });
    const input = [{ type: 'function_call_output', call_id: call!.call_id, output: 'Bern' }];
    await create({ input, tools, previous_response_id: streamed.id });
    expect(seen().at(-1)).toEqual([
      { role: 'user', content: 'Where?' },
      {
        role: 'assistant',
        content: null,
        tool_calls: [{ id: call!.call_id, type: 'function', function: { name: 'geo', arguments: call!.arguments } }],
      },
      { role: 'tool', tool_call_id: call!.call_id, content: 'Bern' },
    ]);
  });

  it('lends its items to those who name them', async () => {
    play({ answer: { text: 'First.' } });
    const first = (await create({ input: 'One' })) as SeenResponse & { output: { id: string }[] };
    const page = (await (await fetchAs(`/v1/responses/${first.id}/input_items`)).json()) as { data: { id: string }[] };
    const [asked, answered] = [page.data[0]!.id, first.output[0]!.id];
    const input = [{ id: asked }, { type: 'item_reference', id: answered }, { role: 'user', content: 'Two' }];
    await create({ input });
    expect(seen().at(-1)).toEqual([
      { role: 'user', content: 'One' },
      { role: 'assistant', content: 'First.' },
      { role: 'user', content: 'Two' },
    ]);
    for (const [id, tenant] of [
      [answered, 'other'],
      [`${answered}9`, 'default'],
      ['msg_1', 'default'],
    ] as const) {
      const answer = await post(
        {
          input: [
            { role: 'user', content: 'x' },
            { type: 'item_reference', id },
          ],
        },
        tenant,
      );
      expect([answer.status, await answer.json()]).toMatchObject([400, { error: { param: 'input[1].id' } }]);
    }
  });

  it('is not gone on with when it is unknown, foreign or not completed', async () => {
    const foreign = await create({}, 'other');
    play(SLOW);
    const running = await create({ background: true });
    for (const id of [foreign.id, running.id, 'resp_1', 7]) {
      const answer = await post({ previous_response_id: id });
      expect([answer.status, await answer.json()]).toMatchObject([400, { error: { param: 'previous_response_id' } }]);
    }
    await fetchAs(`/v1/responses/${running.id}/cancel`, { method: 'POST' });
  });

  it('is deleted when it is over, and then nobody finds it', async () => {
    const { id } = await create({});
    const erase = (): Promise<Response> => fetchAs(`/v1/responses/${id}`, { method: 'DELETE' });
    const answer = await erase();
    expect([answer.status, await answer.json()]).toEqual([200, { id, object: 'response', deleted: true }]);
    expect([(await erase()).status, (await fetchAs(`/v1/responses/${id}`)).status]).toEqual([404, 404]);

    play(SLOW);
    const running = await create({ background: true });
    const path = `/v1/responses/${running.id}`;
    const early = await fetchAs(path, { method: 'DELETE' });
    expect([early.status, await early.json()]).toMatchObject([409, { error: { code: 'job_not_terminal' } }]);
    await fetchAs(`${path}/cancel`, { method: 'POST' });
    expect((await fetchAs(path, { method: 'DELETE' })).status).toBe(200);
  });

  it('lists what it was asked, a page at a time', async () => {
    const input = ['a', 'b', 'c'].map((content) => ({ role: 'user', content }));
    const { id } = await create({ input });
    const list = async (
      query: string,
    ): Promise<{ data: { id: string; content: { text: string }[] }[]; has_more: boolean }> =>
      (await (await fetchAs(`/v1/responses/${id}/input_items${query}`)).json()) as never;
    const textsOf = ({ data }: { data: { content: { text: string }[] }[] }) =>
      data.map(({ content }) => content[0]!.text);
    const all = await list('');
    expect(textsOf(all)).toEqual(['c', 'b', 'a']);
    const first = await list('?limit=2&order=asc');
    expect([textsOf(first), first.has_more]).toEqual([['a', 'b'], true]);
    const rest = await list(`?limit=2&order=asc&after=${first.data[1]!.id}`);
    expect([textsOf(rest), rest.has_more]).toEqual([['c'], false]);
    for (const query of ['?limit=0', '?limit=x', '?order=up', '?after=nobody']) {
      expect((await fetchAs(`/v1/responses/${id}/input_items${query}`)).status).toBe(400);
    }
  });
});

describe('a response in the background', () => {
  it('is queued at once, and completes without its caller', async () => {
    play({ answer: { text: 'Done.' } });
    const queued = await create({ background: true });
    expect(queued).toMatchObject({ status: 'queued', background: true, output: [], usage: null });
    expect(await ended(queued.id)).toMatchObject({
      status: 'completed',
      output: [{ content: [{ text: 'Done.' }] }],
    });
  });

  it('needs to be stored', async () => {
    const answer = await post({ background: true, store: false });
    expect([answer.status, await answer.json()]).toMatchObject([400, { error: { param: 'store' } }]);
  });

  it('is cancelled within a moment, again and again, and stays so', async () => {
    play(SLOW);
    const { id } = await create({ background: true, stream: false });
    await eventually(() => sluice.simulator.stats().inFlight === 1, { withinMs: 3_000, what: 'the call to begin' });
    for (let i = 0; i < 2; i++) {
      const answer = await fetchAs(`/v1/responses/${id}/cancel`, { method: 'POST' });
      expect([answer.status, await answer.json()]).toMatchObject([200, { id, status: 'cancelled', error: null }]);
    }
    await eventually(() => sluice.simulator.stats().inFlight === 0, { withinMs: 1_000, what: 'the call to be closed' });
    expect(await get(id)).toMatchObject({ status: 'cancelled' });
  });

  it('alone is cancelled: others end when their caller leaves', async () => {
    const { id } = await create({});
    const answer = await fetchAs(`/v1/responses/${id}/cancel`, { method: 'POST' });
    expect([answer.status, await answer.json()]).toMatchObject([400, { error: { code: 'invalid_request' } }]);
  });

  it('shows a failure as its own, with the code of Responses', async () => {
    play({ rules: [{ do: { kind: 'bad_request' } }] });
    const { id } = await create({ background: true });
    expect(await ended(id)).toMatchObject({ status: 'failed', error: { code: 'invalid_prompt' }, output: [] });
  });

  it('is made once for one Idempotency-Key', async () => {
    const headers = {
      'content-type': 'application/json',
      authorization: `Bearer ${MASTER_KEY}`,
      'idempotency-key': sluice.group,
    };
    const body = JSON.stringify({ model: sluice.group, input: 'Hi', background: true });
    const answers = await Promise.all(
      [1, 2, 3].map(() => fetch(`${sluice.url}/v1/responses`, { method: 'POST', headers, body })),
    );
    const ids = await Promise.all(answers.map(async (answer) => ((await answer.json()) as SeenResponse).id));
    expect(new Set(ids).size).toBe(1);
    await ended(ids[0]!);
    expect(sluice.simulator.stats().total).toBe(1);
  });

  it('is streamed, left, and gone on with from any event', async () => {
    play({ answer: { text: 'one two three four five six' }, tokensPerSecond: 60, tokensPerChunk: 1 });
    const answer = await post({ background: true, stream: true });
    const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
    let begun = '';
    while (!begun.includes('output_text.delta')) begun += (await reader.read()).value ?? '';
    await reader.cancel();
    const [first] = eventsOf(begun);
    expect(first).toMatchObject({ type: 'response.created', response: { status: 'queued' } });
    const { id } = first!.response!;

    const whole = eventsOf(await streamOf(`/v1/responses/${id}?stream=true`));
    expect(whole.map(({ sequence_number: n }) => n)).toEqual(whole.map((_, i) => i));
    expect(whole.at(-1)).toMatchObject({ type: 'response.completed' });
    for (const after of [0, 4, whole.length - 2, whole.length - 1]) {
      const rest = eventsOf(await streamOf(`/v1/responses/${id}?stream=true&starting_after=${after}`));
      expect(rest).toEqual(whole.slice(after + 1));
    }
    expect(whole.at(-1)!.response).toEqual(await get(id));
  });

  it('has its events made anew when its stream is gone, but not from the midst', async () => {
    play({ answer: { text: 'one two three' }, tokensPerChunk: 1 });
    const events = eventsOf(await (await post({ background: true, stream: true })).text());
    const { response } = events.at(-1)!;
    const { id } = response!;
    await redis.del(`{sluice:${sluice.group}}:stream:job_${id.slice(5)}`);

    const anew = eventsOf(await streamOf(`/v1/responses/${id}?stream=true`));
    expect(anew.map(({ sequence_number: n }) => n)).toEqual(anew.map((_, i) => i));
    expect(anew.at(-1)).toMatchObject({ type: 'response.completed', response });
    const rest = await fetchAs(`/v1/responses/${id}?stream=true&starting_after=3`);
    expect([rest.status, await rest.json()]).toMatchObject([400, { error: { code: 'stream_expired' } }]);
    expect(await get(id)).toEqual(response);
  });

  it.each(['?stream=maybe', '?stream=true&starting_after=x', '?starting_after=3', '?stream=true'])(
    'that is no stream answers 400 to %s',
    async (query) => {
      const { id } = await create({ background: true });
      expect((await fetchAs(`/v1/responses/${id}${query}`)).status).toBe(400);
    },
  );

  it('says so in its events when it is cancelled', async () => {
    play(SLOW);
    const answer = await post({ background: true, stream: true });
    const text = answer.text();
    await eventually(() => sluice.simulator.stats().inFlight === 1, { withinMs: 3_000, what: 'the call to begin' });
    const id = `resp_${answer.headers.get('x-sluice-job-id')!.slice(4)}`;
    await fetchAs(`/v1/responses/${id}/cancel`, { method: 'POST' });
    expect(eventsOf(await text).at(-1)).toMatchObject({ type: 'response.failed', response: { status: 'cancelled' } });
  });
});
