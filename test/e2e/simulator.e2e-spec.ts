import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import OpenAI, { AzureOpenAI } from 'openai';
import { createSimulator, type Simulator } from '../../apps/simulator/src/create-simulator.js';
import { eventually } from '../eventually.js';

let simulator: Simulator;
beforeAll(async () => {
  simulator = await createSimulator();
});
beforeEach(() => {
  simulator.setScript({ answer: { tokens: 8 } });
  simulator.setProfile('west', {});
  simulator.reset();
});
afterAll(() => simulator.stop());

const HELLO = { messages: [{ role: 'user' as const, content: 'hello' }] };
const CHAT = { model: 'gpt-4o', ...HELLO };
const openai = (base = '/v1'): OpenAI =>
  new OpenAI({ apiKey: 'sk-test-1234', baseURL: `${simulator.origin}${base}`, maxRetries: 0 });
const last = () => simulator.requests().at(-1)!;

interface Asked {
  path?: string;
  method?: string;
  headers?: Record<string, string>;
  body?: unknown;
  /** A fault for this call. */
  fault?: object;
}

function ask({
  path = '/v1/chat/completions',
  method = 'POST',
  headers = {},
  body = CHAT,
  fault,
}: Asked = {}): Promise<Response> {
  const withFault = fault === undefined ? headers : { ...headers, 'x-sim-fault': JSON.stringify({ do: fault }) };
  return fetch(`${simulator.origin}${path}`, {
    method,
    headers: { 'content-type': 'application/json', ...withFault },
    ...(method === 'GET' ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
}
const asked = async (call: Asked): Promise<any> => (await ask(call)).json();
const ANTHROPIC = {
  path: '/v1/messages',
  headers: { 'anthropic-version': '2023-06-01', 'x-api-key': 'k' },
  body: { ...CHAT, model: 'claude-x', max_tokens: 100 },
};
const AZURE = { path: '/openai/deployments/gpt-4o/chat/completions?api-version=2025-02-01-preview', body: HELLO };

/** One call on a bare socket: what came, in which pieces, and how the connection ended. */
class RawCall {
  text = '';
  readonly pieces: string[] = [];
  ended: 'fin' | 'rst' | undefined;

  private constructor(readonly socket: Socket) {
    socket.setNoDelay(true);
    socket.on('data', (data: Buffer) => {
      this.text += data.toString('latin1');
      this.pieces.push(data.toString('latin1'));
    });
    socket.once('end', () => {
      this.ended ??= 'fin';
    });
    socket.once('error', () => {
      this.ended ??= 'rst';
    });
  }

  static async send(fault: object, stream = true): Promise<RawCall> {
    const socket = connect(simulator.port, '127.0.0.1');
    await once(socket, 'connect');
    const call = new RawCall(socket);
    const body = JSON.stringify({ ...CHAT, stream });
    const header = JSON.stringify({ do: fault });
    const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: sim\r\nx-sim-fault: ${header}\r\nconnection: close\r\n`;
    socket.write(`${head}content-length: ${body.length}\r\n\r\n${body}`);
    return call;
  }

  async end(): Promise<this> {
    await eventually(() => this.ended !== undefined, { withinMs: 5_000, what: 'the connection to end' });
    this.socket.destroy();
    return this;
  }

  /** Without the framing of chunks, which only cuts leave open. */
  get body(): string {
    return this.text.slice(this.text.indexOf('\r\n\r\n') + 4).replaceAll(/^[0-9a-f]+\r\n|\r\n(?:[0-9a-f]+\r\n|$)/g, '');
  }

  get contents(): number {
    return this.text.split('"content":"').length - 1 - (this.text.includes('"role"') ? 1 : 0);
  }
}
const raw = async (fault: object, stream = true): Promise<RawCall> => (await RawCall.send(fault, stream)).end();

describe('the official client of OpenAI', () => {
  it.each(['/v1', '', '/@west/v1', '/openai/v1'])(
    'gets the same answer at once and streamed, under %s',
    async (base) => {
      const answer = await openai(base).chat.completions.create(CHAT);
      const stream = openai(base).chat.completions.stream({ ...CHAT, stream_options: { include_usage: true } });
      const streamed = await stream.finalChatCompletion();
      expect(streamed.choices[0]?.message.content).toBe(answer.choices[0]?.message.content);
      expect(streamed.choices[0]?.finish_reason).toBe('stop');
      expect(streamed.usage).toEqual(answer.usage);
    },
  );

  it('is called by name on Azure', async () => {
    const { origin } = simulator;
    const client = new AzureOpenAI({ apiKey: 'k', endpoint: origin, apiVersion: '2025-02-01-preview', maxRetries: 0 });
    const answer = await client.chat.completions.create(CHAT);
    expect(answer.choices[0]?.message.content).toMatch(/\.$/);
    expect(last()).toMatchObject({
      format: 'azure',
      model: 'gpt-4o',
      route: '/openai/deployments/gpt-4o/chat/completions',
    });
  });

  it('runs a tool and gets an answer in the end', async () => {
    const toolCalls = [
      { name: 'add', arguments: { a: 1, b: 2 } },
      { name: 'add', arguments: { a: 3, b: 4 } },
    ];
    simulator.setScript({ answer: { toolCalls } });
    const sums: number[] = [];
    const runner = openai().chat.completions.runTools({
      ...CHAT,
      stream: true,
      tools: [
        {
          type: 'function',
          function: {
            name: 'add',
            description: 'adds',
            parameters: { type: 'object', properties: { a: { type: 'number' }, b: { type: 'number' } } },
            parse: JSON.parse,
            function: ({ a, b }: { a: number; b: number }) => {
              sums.push(a + b);
              return String(a + b);
            },
          },
        },
      ],
    });
    expect(await runner.finalContent()).toMatch(/\.$/);
    expect(sums).toEqual([3, 7]);
  });

  it('lists models, and finds any', async () => {
    const names = (await openai().models.list()).data.map(({ id }) => id);
    expect(names).toContain('gpt-4o');
    expect((await openai().models.retrieve('llama3:8b')).id).toBe('llama3:8b');
    expect((await asked({ ...ANTHROPIC, path: '/v1/models', method: 'GET' })).data[0]).toMatchObject({ type: 'model' });
  });

  it('sees several answers, and JSON when it asks for it', async () => {
    const answer = await openai().chat.completions.create({ ...CHAT, n: 2, response_format: { type: 'json_object' } });
    expect(answer.choices.map(({ message }) => Object.keys(JSON.parse(message.content ?? '') as object))).toEqual([
      ['answer'],
      ['answer'],
    ]);
  });
});

describe('a fault instead of an answer', () => {
  it.each([
    [{}, { kind: 'rate_limit', retryAfterMs: 1_500 }, 429, { code: 'rate_limit_exceeded' }, { 'retry-after': '2' }],
    [{}, { kind: 'overloaded' }, 503, { type: 'server_error' }, {}],
    [{}, { kind: 'server', status: 200 }, 200, { type: 'server_error' }, {}],
    [{}, { status: 404 }, 404, { code: 'model_not_found' }, {}],
    [
      {},
      { kind: 'server', headers: { 'retry-after': 'soon', 'x-request-id': null } },
      500,
      {},
      { 'retry-after': 'soon', 'x-request-id': null },
    ],
    [
      AZURE,
      { kind: 'rate_limit', retryAfterMs: 6_000 },
      429,
      { code: '429' },
      { 'retry-after': '6', 'retry-after-ms': '6000' },
    ],
    [AZURE, { kind: 'content_filter' }, 400, { innererror: { code: 'ResponsibleAIPolicyViolation' } }, {}],
    [AZURE, { kind: 'not_found' }, 404, { code: 'DeploymentNotFound' }, {}],
    [ANTHROPIC, { kind: 'overloaded' }, 529, { type: 'overloaded_error' }, { 'request-id': 'req_sim1' }],
    [ANTHROPIC, { kind: 'context_length' }, 400, { message: expect.stringContaining('prompt is too long') }, {}],
  ])('%# %j %j', async (call, fault, status, error, headers) => {
    const answer = await ask({
      ...(call as Asked),
      headers: { ...(call as Asked).headers, 'x-sim-fault': JSON.stringify({ do: fault }) },
    });
    expect(answer.status).toBe(status);
    expect(((await answer.json()) as any).error).toMatchObject(error);
    for (const [name, value] of Object.entries(headers)) expect(answer.headers.get(name)).toBe(value);
  });

  it('may have a body of its own', async () => {
    const page = await ask({ fault: { status: 200, body: '<html>hi</html>' } });
    expect([page.headers.get('content-type'), await page.text()]).toEqual([
      'text/html; charset=utf-8',
      '<html>hi</html>',
    ]);
    const json = await ask({ fault: { status: 418, body: { detail: 'tea' } } });
    expect([json.status, await json.json()]).toEqual([418, { detail: 'tea' }]);
  });

  it('resets before the headers', async () => {
    expect(await raw({ resetBeforeHeaders: true })).toMatchObject({ ended: 'rst', text: '' });
    expect(last()).toMatchObject({ outcome: 'reset', status: null, do: { resetBeforeHeaders: true } });
  });

  it.each(['hang', 'timeout'])('%s: says nothing until the client leaves', async (how) => {
    const call = await RawCall.send(how === 'hang' ? { hang: true } : { kind: how });
    await eventually(() => last()?.outcome === 'stalled', { withinMs: 1_000, what: 'the call to hang' });
    expect(simulator.stats()).toMatchObject({ inFlight: 1, clientClosed: 0 });
    call.socket.destroy();
    await eventually(() => last().outcome === 'client_closed', { withinMs: 1_000, what: 'the client to be missed' });
    expect(simulator.stats()).toMatchObject({ inFlight: 0, clientClosed: 1 });
    expect(call.text).toBe('');
  });

  it('plays kinds that have no answer', async () => {
    expect((await raw({ kind: 'network' })).ended).toBe('rst');
    expect(await raw({ kind: 'stream_broken' })).toMatchObject({ ended: 'fin', contents: 1 });
    await expect(asked({ fault: { kind: 'malformed' } })).rejects.toThrow('JSON');
  });
});

describe('a fault with the answer', () => {
  it('delays the headers', async () => {
    await asked({ fault: { delayHeadersMs: 60 } });
    expect(last().headersMs).toBeGreaterThanOrEqual(59);
    expect(last()).toMatchObject({ drawnMs: 0, outcome: 'completed' });
  });

  it('sends headers byte by byte', async () => {
    const call = await raw({ headerByteMs: 1 });
    expect(call.pieces.length).toBeGreaterThan(100);
    expect(call.pieces[0]!.length).toBeLessThan(20);
    expect(call.contents).toBe(8);
  });

  it('sends the body byte by byte', async () => {
    const call = await raw({ bodyByteMs: 1, status: 503, body: '{"error":{}}' }, false);
    expect(call.pieces.slice(-6).every((piece) => piece.length < 4)).toBe(true);
    expect(call.text).toMatch(/^HTTP\/1.1 503 [^]*\r\n\r\n{"error":{}}$/);
  });

  it('resets after the headers', async () => {
    const call = await raw({ resetAfterHeaders: true });
    expect(call.ended).toBe('rst');
    expect(call.text).toMatch(/^HTTP\/1.1 200 OK\r\n[^]*\r\n\r\n$/);
    expect(last()).toMatchObject({ outcome: 'reset', status: 200, chunks: 0 });
  });

  it.each([
    ['text/plain', /^content-type: text\/plain\r\n/m],
    [['a/b', 'c/d'], /^content-type: a\/b\r\ncontent-type: c\/d\r\n/m],
    [[], /^(?![^]*content-type)/],
  ])('has content-type %j', async (contentType, expected) => {
    expect((await raw({ contentType })).text).toMatch(expected);
  });

  it('is compressed, whole and streamed', async () => {
    const body = { ...CHAT, stream: true };
    const plain = (await ask({ body }).then((answer) => answer.text())).replaceAll(/sim\d+/g, '');
    const answer = await ask({ body, fault: { gzip: true } });
    expect(answer.headers.get('content-encoding')).toBe('gzip');
    expect((await answer.text()).replaceAll(/sim\d+/g, '')).toBe(plain);
    const whole = await RawCall.send({ gzip: true }, false).then((call) => call.end());
    const packed = Buffer.from(whole.text.slice(whole.text.indexOf('\r\n\r\n') + 4), 'latin1');
    expect(JSON.parse(gunzipSync(packed).toString())).toMatchObject({ object: 'chat.completion' });
  });

  it.each([true, 5, -5])('has a wrong content-length: %j', async (badLength) => {
    const call = await raw({ badLength }, false);
    const declared = Number(/content-length: (\d+)/.exec(call.text)?.[1]);
    const sent = call.text.length - call.text.indexOf('\r\n\r\n') - 4;
    expect(declared - sent).toBe(badLength === true ? 16 : badLength);
  });

  it('comes in pieces that split characters', async () => {
    simulator.setScript({ answer: { text: 'äöü€😀' } });
    const call = await raw({ splitBytes: 1 });
    expect(call.pieces.length).toBeGreaterThan(50);
    expect(Buffer.from(call.text, 'latin1').toString()).toContain('"content":"äöü€"');
  });

  it.each([
    ['crlf', /\r\n\r\ndata: {/],
    ['comments', /: sim\n\ndata: /],
    ['unknownEvents', /event: sim.unknown\ndata: {"object":"sim.unknown"/],
  ])('has %s', async (name, expected) => {
    expect(await (await ask({ body: { ...CHAT, stream: true }, fault: { [name]: true } })).text()).toMatch(expected);
  });

  it.each([{ fuzz: true }, { crlf: true, comments: true, unknownEvents: true, splitBytes: 7 }, { lineBytes: 300_000 }])(
    '%j is no trouble for the official client',
    async (fault) => {
      const { choices } = await openai().chat.completions.create(CHAT);
      const headers = { 'x-sim-fault': JSON.stringify({ do: fault }) };
      const stream = await openai().chat.completions.create({ ...CHAT, stream: true }, { headers });
      let text = '';
      for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
      expect(text).toBe(choices[0]?.message.content);
    },
  );

  it('has a line as long as asked for', async () => {
    const lines = (
      await (await ask({ body: { ...CHAT, stream: true }, fault: { lineBytes: 5_000_000 } })).text()
    ).split('\n');
    expect(Math.max(...lines.map((line) => line.length))).toBe(5_000_006);
  });

  it.each([
    ['noDone', /"finish_reason":"stop"}\]}\n\n$/],
    ['noFinish', /"finish_reason":null}\]}\n\ndata: \[DONE\]\n\n$/],
  ])('%s', async (name, expected) => {
    expect(await (await ask({ body: { ...CHAT, stream: true }, fault: { [name]: true } })).text()).toMatch(expected);
  });

  it('leaves out usage', async () => {
    const body = { ...CHAT, stream: true, stream_options: { include_usage: true } };
    expect(await (await ask({ body })).text()).toContain('"usage":{');
    expect(await (await ask({ body, fault: { noUsage: true } })).text()).not.toContain('usage');
    expect(await asked({ fault: { noUsage: true, noFinish: true } })).toMatchObject({
      choices: [{ finish_reason: null }],
    });
  });
});

describe('a fault after k chunks', () => {
  it.each(['fin', 'rst'] as const)('cuts by %s', async (cutHow) => {
    const call = await raw({ cutAfter: 3, cutHow });
    expect(call.ended).toBe(cutHow);
    expect(call.contents).toBe(3);
    expect(call.text).not.toContain('[DONE]');
    expect(last()).toMatchObject({ outcome: 'cut', chunks: 3, status: 200 });
  });

  it('cuts a whole answer before its end', async () => {
    const call = await raw({ cutAfter: 10_000 }, false);
    expect(call.ended).toBe('fin');
    expect(() => JSON.parse(call.body) as unknown).toThrow('JSON');
    await expect(openai().chat.completions.create({ ...CHAT, model: 'm~cutAfter=2' })).rejects.toThrow(
      /terminated|Connection|Premature/i,
    );
  });

  it('stalls for a while, and goes on', async () => {
    const call = await raw({ stallAfter: 2, stallMs: 60 });
    expect(call.contents).toBe(8);
    expect(last().outcome).toBe('completed');
    expect(last().endMs! - last().firstChunkMs!).toBeGreaterThanOrEqual(59);
  });

  it('stalls for ever', async () => {
    const call = await RawCall.send({ stallAfter: 2 });
    await eventually(() => call.contents === 2, { withinMs: 1_000, what: 'two chunks' });
    await eventually(() => last().outcome === 'stalled', { withinMs: 1_000, what: 'the stall' });
    expect(call.contents).toBe(2);
    call.socket.destroy();
    await eventually(() => last().outcome === 'client_closed', { withinMs: 1_000, what: 'the client to be missed' });
  });

  it('sends what is no JSON', async () => {
    const call = await raw({ malformedAfter: 1 });
    expect(call.text).toContain('data: {"choices":[{"index":0,"delta":{"content":"fo\n\n');
  });

  it('sends an error in the stream, and closes', async () => {
    const text = await (
      await ask({ body: { ...CHAT, stream: true }, fault: { errorAfter: 1, kind: 'overloaded' } })
    ).text();
    expect(text).toMatch(/data: {"error":{"message":"The engine is currently overloaded[^\n]*}\n\n$/);
    const fault = { 'x-sim-fault': '{"do":{"errorAfter":0}}' };
    const anthropic = await ask({
      ...ANTHROPIC,
      headers: { ...ANTHROPIC.headers, ...fault },
      body: { ...ANTHROPIC.body, stream: true },
    });
    expect(await anthropic.text()).toMatch(
      /event: ping\n[^]*event: error\ndata: {"type":"error","error":{"type":"api_error"/,
    );
    expect((await asked({ fault: { errorAfter: 1 } })).error.type).toBe('server_error');
  });
});

describe('a script', () => {
  const admin = async (method: string, path: string, body?: unknown): Promise<[number, any]> => {
    const answer = await ask({ method, path: `/_sim/${path}`, body });
    return [answer.status, await answer.json()];
  };
  const statusOf = async (call: Asked = {}): Promise<number> => (await ask(call)).status;

  it('is put, patched, shown and refused', async () => {
    expect(await admin('PUT', 'script', { seed: 3, rules: [{ do: { status: 500 } }] })).toMatchObject([
      200,
      { seed: 3 },
    ]);
    expect(await statusOf()).toBe(500);
    expect(await admin('PATCH', 'script', { rules: null })).toMatchObject([200, { seed: 3, rules: [] }]);
    expect(await statusOf()).toBe(200);
    expect(await admin('PUT', 'script', { rules: [{ do: { kind: 'flood' } }] })).toMatchObject([
      400,
      { error: { param: 'rules[0].do.kind', message: expect.stringContaining('must be one of bad_request,') } },
    ]);
    expect(await admin('PUT', 'script', 'seed: 3')).toMatchObject([
      400,
      { error: { message: expect.stringContaining('as JSON') } },
    ]);
    expect(await admin('GET', 'script')).toMatchObject([200, { seed: 3, rules: [] }]);
    expect(await admin('GET', 'nothing')).toMatchObject([404, {}]);
  });

  it('is beaten by a profile, that by a suffix, that by a header', async () => {
    await admin('PUT', 'script', { rules: [{ do: { status: 501 } }] });
    await admin('PUT', 'profiles/west', { rules: [{ do: { status: 502 } }] });
    const path = '/@west/v1/chat/completions';
    const body = { ...CHAT, model: 'gpt-4o~status=503~times=1' };
    const headers = { 'x-sim-fault': '{"do":{"status":504},"times":1}' };
    expect([
      await statusOf(),
      await statusOf({ path }),
      await statusOf({ path: '/@east/v1/chat/completions' }),
    ]).toEqual([501, 502, 501]);
    const calls = [];
    for (let i = 0; i < 3; i++) calls.push(await statusOf({ path, body, headers }));
    expect(calls).toEqual([504, 503, 502]);
    expect(last()).toMatchObject({ model: 'gpt-4o', profile: 'west' });
  });

  it('counts for each profile alone', async () => {
    await admin('PUT', 'script', { rules: [{ times: 1, do: { status: 500 } }], limits: { rpm: 1 } });
    const calls = ['', '/@a', '/@b'].flatMap((profile) => [1, 2, 3].map(() => `${profile}/v1/chat/completions`));
    const statuses = [];
    for (const path of calls) statuses.push(await statusOf({ path }));
    expect(statuses).toEqual([500, 200, 429, 500, 200, 429, 500, 200, 429]);
    expect(await admin('GET', 'stats')).toMatchObject([
      200,
      { byStatus: { 200: 3, 429: 3, 500: 3 }, profiles: { a: { total: 3 } } },
    ]);
    await admin('POST', 'reset');
    expect(await statusOf()).toBe(500);
    expect(await admin('GET', 'stats')).toMatchObject([200, { total: 1, inFlight: 0, maxInFlight: 1 }]);
  });

  it('of a profile can be taken away', async () => {
    const path = '/@west/v1/chat/completions';
    await admin('PUT', 'profiles/west', { rules: [{ do: { status: 502 } }] });
    expect(await admin('PATCH', 'profiles/west', { seed: 9 })).toMatchObject([200, { seed: 9, rules: [{}] }]);
    expect(await statusOf({ path })).toBe(502);
    expect(await admin('DELETE', 'profiles/west')).toMatchObject([200, { seed: 1, rules: [] }]);
    expect(await statusOf({ path })).toBe(200);
    expect((await admin('GET', 'profiles'))[1].data).toContain('west');
  });

  it('does to a refusal what it does to the wire, and not what it does to an answer', async () => {
    await admin('PUT', 'script', { limits: { rpm: 0 } });
    const refused = await ask({ fault: { cutAfter: 0, malformedAfter: 0, contentType: 'text/x' } });
    expect([refused.status, refused.headers.get('content-type')]).toEqual([429, 'text/x']);
    expect(await refused.json()).toMatchObject({ error: { code: 'rate_limit_exceeded' } });
  });

  it('keeps the counts of rules that a patch leaves alone', async () => {
    await admin('PUT', 'script', { rules: [{ times: 1, do: { status: 500 } }] });
    expect(await statusOf()).toBe(500);
    await admin('PATCH', 'script', { answer: { tokens: 1 } });
    expect(await statusOf()).toBe(200);
  });

  it('refuses a bad fault of one call by name', async () => {
    const answer = await ask({ body: { ...CHAT, model: 'gpt-4o~kind=flood' } });
    expect([answer.status, ((await answer.json()) as any).error.message]).toEqual([
      400,
      expect.stringContaining('model~.do.kind must be'),
    ]);
    expect((await asked({ fault: { badCrc: true } })).error.message).toContain('badCrc belongs to Bedrock');
  });

  it.each([
    ['s', {}, '60', /^none$/],
    ['ms', {}, null, /^\d{5}$/],
    ['body', {}, null, /^none$/],
    ['none', {}, null, /^none$/],
    ['s', AZURE, '60', /^\d{5}$/],
  ])('says by %s when to come back', async (retryAfter, call, seconds, ms) => {
    await admin('PUT', 'script', { limits: { rpm: 1, retryAfter } });
    await ask(call);
    const { headers, status } = await ask(call);
    expect([status, headers.get('retry-after')]).toEqual([429, seconds]);
    expect(headers.get('retry-after-ms') ?? 'none').toMatch(ms);
    expect(last()).toMatchObject({ status: 429, limited: 'requests', retryAfterMs: expect.any(Number) });
  });

  it('tells limits in the dialect of its format', async () => {
    await admin('PUT', 'script', { limits: { rpm: 10, tpm: 1_000, retryAfter: 'date' } });
    const { headers } = await ask();
    expect(headers.get('x-ratelimit-limit-requests')).toBe('10');
    expect(headers.get('x-ratelimit-remaining-tokens')).toBe(String(1_000 - 50 - 2));
    expect(headers.get('x-ratelimit-reset-requests')).toMatch(/^(1m0|59\.9\d*)s$/);
    const anthropic = (await ask(ANTHROPIC)).headers;
    expect(anthropic.get('anthropic-ratelimit-requests-remaining')).toBe('8');
    expect(anthropic.get('anthropic-ratelimit-tokens-reset')).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    const azure = (await ask(AZURE)).headers;
    expect([azure.get('x-ratelimit-remaining-requests'), azure.get('x-ratelimit-reset-requests')]).toEqual(['7', null]);
    await admin('PATCH', 'script', { limits: { rpm: 0 } });
    expect(Date.parse((await ask()).headers.get('retry-after') ?? '')).toBeGreaterThan(Date.now());
  });

  it('holds calls to its concurrency', async () => {
    await admin('PUT', 'script', { limits: { concurrency: 1 } });
    const first = await RawCall.send({ stallAfter: 0 });
    await eventually(() => simulator.stats().inFlight === 1, { withinMs: 1_000, what: 'the first call' });
    expect(await statusOf()).toBe(429);
    first.socket.destroy();
    await eventually(() => simulator.stats().inFlight === 0, { withinMs: 1_000, what: 'its end' });
    expect(await statusOf()).toBe(200);
  });

  it('asks for its key', async () => {
    await admin('PUT', 'script', { auth: { key: 'right' } });
    expect(await statusOf()).toBe(401);
    expect(await statusOf({ headers: { authorization: 'Bearer right' } })).toBe(200);
    expect(await statusOf({ ...AZURE, headers: { 'api-key': 'right' } })).toBe(200);
    expect(await statusOf(ANTHROPIC)).toBe(401);
    expect(await statusOf({ ...ANTHROPIC, headers: { ...ANTHROPIC.headers, 'x-api-key': 'right' } })).toBe(200);
  });

  it('takes the time that it drew, and tells it', async () => {
    await admin('PUT', 'script', { latency: { p50: 40 }, tokensPerSecond: 200, answer: { tokens: 5 } });
    const { headers } = await ask();
    expect(headers.get('x-sim-latency-ms')).toBe('60'); // 40, and four more tokens of 5 ms
    expect(last()).toMatchObject({ drawnMs: 60, outcome: 'completed' });
    expect(last().endMs).toBeGreaterThanOrEqual(59.5);
    await (await ask({ body: { ...CHAT, stream: true } })).text();
    const { headersMs, firstChunkMs, endMs, chunks, drawnMs } = last();
    expect([chunks, drawnMs]).toEqual([5, 60]);
    expect(headersMs).toBeLessThan(30);
    expect(firstChunkMs).toBeGreaterThanOrEqual(39.5);
    expect(endMs).toBeGreaterThanOrEqual(59.5);
  });

  it('refuses to continue when told to', async () => {
    await admin('PUT', 'script', { answer: { prefill: 'reject' } });
    const messages = [...HELLO.messages, { role: 'assistant', content: 'I' }];
    expect(await statusOf({ body: { ...CHAT, messages } })).toBe(400);
  });
});

describe('the request log', () => {
  it('shows what came and what became of it', async () => {
    await openai('/@west/v1').chat.completions.create(CHAT);
    expect(last()).toEqual({
      n: 1,
      atMs: expect.any(Number),
      format: 'openai',
      route: '/v1/chat/completions',
      model: 'gpt-4o',
      profile: 'west',
      headers: expect.objectContaining({ authorization: '…1234' }),
      body: CHAT,
      do: null,
      status: 200,
      headersMs: expect.any(Number),
      firstChunkMs: expect.any(Number),
      endMs: expect.any(Number),
      chunks: 1,
      bytes: expect.any(Number),
      outcome: 'completed',
      drawnMs: 0,
      retryAfterMs: null,
      limited: null,
    });
  });

  it('is read in part', async () => {
    for (const [profile, model] of [
      ['', 'a'],
      ['/@w', 'a'],
      ['/@w', 'b'],
    ]) {
      await ask({ path: `${profile}/v1/chat/completions`, body: { ...CHAT, model } });
    }
    const numbers = async (query: string): Promise<number[]> =>
      (await asked({ method: 'GET', path: `/_sim/requests?${query}` })).data.map(({ n }: { n: number }) => n);
    expect(await numbers('')).toEqual([1, 2, 3]);
    expect(await numbers('since=1')).toEqual([2, 3]);
    expect(await numbers('model=a')).toEqual([1, 2]);
    expect(await numbers('profile=w')).toEqual([2, 3]);
    expect(await numbers('profile=')).toEqual([1]);
    expect(await numbers(`since=${Date.now() + 1_000}`)).toEqual([]);
    expect((await ask({ method: 'GET', path: '/_sim/requests?since=x' })).status).toBe(400);
  });

  it('keeps as much as the script says', async () => {
    simulator.setScript({ log: 'meta' });
    await ask();
    expect(last()).toMatchObject({ n: 1, headers: null, body: null });
    simulator.setScript({ log: 'none' });
    await ask();
    expect(simulator.requests()).toHaveLength(1);
    expect(simulator.stats().total).toBe(2);
  });
});

describe('bad input', () => {
  it.each<[Asked, number]>([
    [{ body: 'no json' }, 400],
    [{ body: '[]' }, 400],
    [{ body: '' }, 400],
    [{ body: { model: 'm' } }, 400],
    [{ body: { ...CHAT, stream: 'yes' } }, 400],
    [{ body: HELLO }, 400],
    [{ path: '/v1/nothing' }, 404],
    [{ path: '/@west' }, 404],
    [{ path: '/openai/deployments/gpt-4o/chat/completions' }, 404],
    [{ method: 'GET' }, 405],
    [{ ...ANTHROPIC, headers: {} }, 400],
    [{ path: '/v1/chat/completions?%zz' }, 200],
    [{ path: '/@%zz/v1/chat/completions' }, 200],
  ])('%j is answered with %d', async (call, status) => {
    expect((await ask(call)).status).toBe(status);
  });
});

describe('a simulator', () => {
  it('refuses to start with a bad script, and on a port that is taken', async () => {
    await expect(createSimulator({ script: { rules: 1 } })).rejects.toThrow('rules must be an array, but is 1.');
    await expect(createSimulator({ profiles: { a: { seed: 'x' } } })).rejects.toThrow('seed must be');
    await expect(createSimulator({ port: simulator.port })).rejects.toThrow('EADDRINUSE');
  });

  it('stops while calls hang and stall, twice if it must', async () => {
    const other = await createSimulator({ seed: 5, script: { rules: [{ do: { stallAfter: 1 } }] } });
    const answer = await fetch(`${other.origin}/v1/chat/completions`, {
      method: 'POST',
      body: JSON.stringify({ ...CHAT, stream: true }),
    });
    const text = answer.text();
    await Promise.all([other.stop(), expect(text).rejects.toThrow('terminated')]);
    await other.stop();
    expect(other.stats().inFlight).toBe(0);
    await expect(fetch(other.origin)).rejects.toThrow('fetch failed');
  });
});
