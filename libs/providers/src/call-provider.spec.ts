import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '../../../test/eventually.js';
import type { StreamEvent } from './adapter.js';
import { ProviderClient } from './call-provider.js';
import { callOf, chunksOf, deploymentOf } from './test-calls.js';

const TIMEOUTS = { connectMs: 2_000, firstTokenMs: 2_000, idleMs: 2_000, totalMs: 5_000 };
const STREAM = callOf({ stream: true });
const CALL = callOf({});
const never = new AbortController().signal;

let server: Server;
let client: ProviderClient;
let handler: (request: IncomingMessage, reply: ServerResponse, body: string) => void;
let sockets: Socket[];
let requests: number;

beforeEach(async () => {
  sockets = [];
  requests = 0;
  server = createServer((request, reply) => {
    requests++;
    let body = '';
    request.on('data', (piece: Buffer) => (body += piece.toString()));
    request.on('end', () => handler(request, reply, body));
  });
  server.on('connection', (socket) => sockets.push(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  client = new ProviderClient();
});

afterEach(async () => {
  await client.stop();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const portOf = (of: { address(): unknown }) => (of.address() as AddressInfo).port;
const here = (rest: Parameters<typeof deploymentOf>[0] = {}) =>
  deploymentOf({ baseUrl: `http://127.0.0.1:${portOf(server)}/v1`, ...rest });

async function collect(batches: AsyncIterable<StreamEvent[]>): Promise<StreamEvent[]> {
  const events: StreamEvent[] = [];
  for await (const batch of batches) events.push(...batch);
  return events;
}

const stream = (timeouts = TIMEOUTS, signal = never, target = here()) =>
  collect(client.stream(STREAM, target, signal, timeouts));
const complete = (timeouts = TIMEOUTS, signal = never, target = here()) =>
  client.complete(CALL, target, signal, timeouts);
const kinds = (events: readonly StreamEvent[]) => events.map(({ kind }) => kind);

const ANSWER =
  '{"id":"x","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}';
const chunk = (delta: string, finish = 'null') =>
  `data: {"id":"x","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":${delta},"finish_reason":${finish}}]}\n\n`;
const HI = chunk('{"content":"Hi"}');
const WHOLE = `${chunk('{"role":"assistant","content":""}')}${HI}${chunk('{}', '"stop"')}data: [DONE]\n\n`;

const allSocketsClosed = () =>
  sockets.length > 0 && sockets.every((socket) => socket.destroyed || socket.readyState === 'closed');

describe('a plain call', () => {
  it('sends the request and gives the answer', async () => {
    handler = (request, reply, body) => {
      expect(request.headers).toMatchObject({
        'accept-encoding': 'identity',
        authorization: 'Bearer sk-secret-key-1234',
      });
      expect(JSON.parse(body)).toMatchObject({ model: 'gpt-x' });
      reply.setHeader('x-request-id', 'req_7').end(ANSWER);
    };
    expect(await complete()).toMatchObject({ kind: 'answer', requestId: 'req_7', usage: { prompt: 1 } });
  });

  it('keeps the connection for the next', async () => {
    handler = (_request, reply) => reply.end(ANSWER);
    for (let i = 0; i < 6; i++) expect(await complete()).toMatchObject({ kind: 'answer' });
    // Two, since undici frees a connection just after it told us the end.
    expect(sockets.length).toBeLessThanOrEqual(2);
  });

  it.each([
    ['gzip', gzipSync(ANSWER)],
    ['br', brotliCompressSync(ANSWER)],
    ['zstd', zstdCompressSync(ANSWER)],
    ['deflate', deflateSync(ANSWER)],
    ['deflate', deflateRawSync(ANSWER)],
  ])('W11 undoes %s that nobody asked for', async (coding, body) => {
    handler = (_request, reply) => reply.setHeader('content-encoding', coding).end(body);
    expect(await complete()).toMatchObject({ kind: 'answer' });
  });

  it.each([
    ['an unknown coding', 'lzma', ANSWER],
    ['a wrong coding', 'gzip', ANSWER],
    ['half a gzip', 'gzip', gzipSync(ANSWER).subarray(0, 60)],
    ['a gzip bomb', 'gzip', gzipSync(Buffer.alloc(40 * 1024 * 1024))],
    ['HTML with status 200', 'identity', '<html></html>'],
    ['nothing', 'identity', ''],
    ['a body over 32 MiB', 'identity', Buffer.alloc(33 * 1024 * 1024, ' ')],
  ])('W11 finds %s malformed', async (_name, coding, body) => {
    handler = (_request, reply) => reply.setHeader('content-encoding', coding).end(body);
    expect(await complete()).toMatchObject({ kind: 'failure', failure: { kind: 'malformed' } });
  });

  it('classifies a refusal, and masks the key in what it says', async () => {
    handler = (_request, reply) =>
      reply
        .writeHead(429, { 'retry-after': '7' })
        .end('{"error":{"message":"no more for sk-secret-key-1234 today","code":"rate_limit_exceeded"}}');
    expect(await complete()).toEqual({
      kind: 'failure',
      failure: {
        kind: 'rate_limit',
        status: 429,
        code: 'rate_limit_exceeded',
        retryAfterMs: 7_000,
        message: expect.not.stringContaining('secret'),
      },
    });
  });

  it('does not follow a redirect', async () => {
    handler = (_request, reply) => reply.writeHead(302, { location: '/elsewhere' }).end();
    expect(await complete()).toMatchObject({ failure: { kind: 'not_found', status: 302 } });
    expect(requests).toBe(1);
  });

  it('reads at most 64 KiB of an error', async () => {
    handler = (_request, reply) => {
      reply.writeHead(500);
      const more = (): void => {
        while (!reply.destroyed && reply.write('x'.repeat(16_384)));
      };
      reply.on('drain', more);
      more();
    };
    expect(await complete()).toMatchObject({ failure: { kind: 'server', status: 500 } });
    await eventually(allSocketsClosed, { withinMs: 1_000, what: 'the socket to close' });
  });

  it('repeats once without a parameter that may be dropped', async () => {
    const bodies: string[] = [];
    handler = (_request, reply, body) => {
      bodies.push(body);
      if (bodies.length > 1) reply.end(ANSWER);
      else reply.writeHead(400).end('{"error":{"message":"m","code":"unsupported_parameter","param":"top_k"}}');
    };
    const call = callOf({ top_k: 5, seed: 1 });
    expect(await client.complete(call, here({ dropParams: true }), never, TIMEOUTS)).toMatchObject({ kind: 'answer' });
    expect(bodies.map((body) => Object.keys(JSON.parse(body) as object))).toEqual([
      ['model', 'messages', 'top_k', 'seed'],
      ['model', 'messages', 'seed'],
    ]);
    bodies.length = 0;
    expect(await client.complete(call, here(), never, TIMEOUTS)).toMatchObject({
      failure: { kind: 'bad_request', param: 'top_k' },
    });
  });
});

describe('the network', () => {
  it('refused is network', async () => {
    const target = deploymentOf({ baseUrl: 'http://127.0.0.1:9/v1' });
    expect(await complete(TIMEOUTS, never, target)).toMatchObject({
      failure: { kind: 'network', message: expect.stringContaining('ECONNREFUSED') },
    });
    expect(await stream(TIMEOUTS, never, target)).toMatchObject([{ failure: { kind: 'network' } }]);
  });

  it('reset before the head is network, on a new connection and on a kept one', async () => {
    handler = (_request, reply) => reply.socket?.resetAndDestroy();
    expect(await complete()).toMatchObject({ failure: { kind: 'network' } });
    handler = (_request, reply) => reply.end(ANSWER);
    expect(await complete()).toMatchObject({ kind: 'answer' });
    handler = (_request, reply) => reply.socket?.destroy();
    expect(await complete()).toMatchObject({ failure: { kind: 'network' } });
    expect(await stream()).toMatchObject([{ failure: { kind: 'network' } }]);
  });

  it('a reply that breaks off is network for an answer', async () => {
    handler = (_request, reply) => {
      reply.writeHead(200, { 'content-length': '1000' });
      reply.write(ANSWER, () => reply.socket?.resetAndDestroy());
    };
    expect(await complete()).toMatchObject({ failure: { kind: 'network' } });
  });

  it('something that is not HTTP is malformed; an address that is none is network', async () => {
    const odd = createTcpServer((socket) =>
      socket.on('error', () => {}).once('data', () => socket.end('SSH-2.0-OpenSSH\r\n\r\n')),
    );
    await new Promise<void>((resolve) => odd.listen(0, '127.0.0.1', resolve));
    const target = deploymentOf({ baseUrl: `http://127.0.0.1:${portOf(odd)}` });
    expect(await complete(TIMEOUTS, never, target)).toMatchObject({ failure: { kind: 'malformed' } });
    odd.close();
    expect(await complete(TIMEOUTS, never, deploymentOf({ baseUrl: 'nowhere' }))).toMatchObject({
      failure: { kind: 'network' },
    });
    expect(await complete(TIMEOUTS, never, here({ apiKey: 'a\nb' }))).toMatchObject({ kind: 'failure' });
  });
});

describe('a streamed call', () => {
  it('gives chunks, usage and end, and keeps the connection for the next', async () => {
    handler = (_request, reply) => reply.end(WHOLE);
    for (let i = 0; i < 6; i++) expect(kinds(await stream())).toEqual(['chunk', 'chunk', 'usage', 'end']);
    expect(sockets.length).toBeLessThanOrEqual(2);
  });

  it('gives what has come, read by read', async () => {
    let send: ((text: string) => void) | undefined;
    handler = (_request, reply) => {
      send = (text) => reply.write(text);
      reply.write(HI);
    };
    const batches = client.stream(STREAM, here(), never, TIMEOUTS)[Symbol.asyncIterator]();
    expect((await batches.next()).value).toMatchObject([{ kind: 'chunk' }]);
    send?.(HI + HI);
    expect((await batches.next()).value).toMatchObject([{ kind: 'chunk' }, { kind: 'chunk' }]);
    await batches.return?.();
  });

  it('loses nothing that comes while the consumer is busy', async () => {
    handler = (_request, reply) => {
      reply.write(HI);
      setTimeout(() => reply.end(HI + chunk('{}', '"stop"')), 30);
    };
    let isOver = false;
    server.once('request', (_request, reply: ServerResponse) => reply.on('finish', () => (isOver = true)));
    const events: StreamEvent[] = [];
    for await (const batch of client.stream(STREAM, here(), never, TIMEOUTS)) {
      events.push(...batch);
      await eventually(() => isOver, { withinMs: 1_000, what: 'the provider to end' });
    }
    expect(kinds(events)).toEqual(['chunk', 'chunk', 'chunk', 'usage', 'end']);
  });

  it('W11 takes gzip, a wrong content type, and JSON in place of a stream', async () => {
    handler = (_request, reply) =>
      reply.writeHead(200, { 'content-encoding': 'gzip', 'content-type': 'text/html' }).end(gzipSync(WHOLE));
    expect(kinds(await stream())).toEqual(['chunk', 'chunk', 'usage', 'end']);
    handler = (_request, reply) => reply.writeHead(200, { 'content-type': 'text/event-stream' }).end(ANSWER);
    expect(chunksOf(await stream())).toMatchObject([
      { choices: [{ delta: { content: 'Hi' } }] },
      { choices: [{ finish_reason: 'stop' }] },
    ]);
    handler = (_request, reply) => reply.end('{"error":{"message":"m","code":"rate_limit_exceeded"}}');
    expect(await stream()).toMatchObject([{ failure: { kind: 'rate_limit' } }]);
    handler = (_request, reply) => reply.end('<html>');
    expect(await stream()).toMatchObject([{ failure: { kind: 'malformed' } }]);
    handler = (_request, reply) => reply.end();
    expect(await stream()).toMatchObject([{ failure: { kind: 'malformed' } }]);
  });

  it('W11 refuses a line of 20 MiB and closes the socket', async () => {
    handler = (_request, reply) => reply.end(`${HI}data: ${'x'.repeat(20 * 1024 * 1024)}\n\n`);
    expect((await stream()).at(-1)).toMatchObject({ failure: { kind: 'malformed', afterTokens: 1 } });
    await eventually(allSocketsClosed, { withinMs: 1_000, what: 'the socket to close' });
  });

  it('W6 W8 reset: before the finish it is broken, after it the answer is complete', async () => {
    handler = (_request, reply) => reply.write(HI, () => setImmediate(() => reply.socket?.resetAndDestroy()));
    expect((await stream()).at(-1)).toMatchObject({ failure: { kind: 'stream_broken', afterTokens: 1 } });
    handler = (_request, reply) => {
      reply.writeHead(200);
      reply.flushHeaders();
      setImmediate(() => reply.socket?.resetAndDestroy());
    };
    expect(await stream()).toMatchObject([{ failure: { kind: 'stream_broken' } }]);
    handler = (_request, reply) =>
      reply.write(HI + chunk('{}', '"stop"'), () => setImmediate(() => reply.socket?.destroy()));
    expect((await stream()).at(-1)).toEqual({ kind: 'end' });
  });

  it('classifies a refusal', async () => {
    handler = (_request, reply) => reply.writeHead(503, { 'retry-after-ms': '250' }).end('{"error":{"message":"m"}}');
    expect(await stream()).toMatchObject([{ failure: { kind: 'overloaded', status: 503, retryAfterMs: 250 } }]);
  });

  it('holds the provider back while nobody reads', async () => {
    let written = 0;
    handler = (_request, reply) => {
      const more = (): void => {
        while (!reply.destroyed && written < 64 * 1024 * 1024) {
          written += HI.length * 100;
          if (!reply.write(HI.repeat(100))) return;
        }
      };
      reply.on('drain', more);
      more();
    };
    const batches = client.stream(STREAM, here(), never, { ...TIMEOUTS, idleMs: 50 })[Symbol.asyncIterator]();
    await batches.next();
    let before = -1;
    // Still for 100 ms, twice the idle clock: the socket is full.
    await eventually(
      () => {
        const isStill = written === before;
        before = written;
        return isStill;
      },
      { withinMs: 5_000, what: 'the provider to be held back' },
    );
    expect(written).toBeLessThan(32 * 1024 * 1024);
    expect((await batches.next()).value?.[0]).toMatchObject({ kind: 'chunk' });
    await batches.return?.();
  });
});

describe('clocks', () => {
  const quick = (rest: Partial<typeof TIMEOUTS>) => ({ ...TIMEOUTS, ...rest });

  it('connect: a TLS handshake that never ends', async () => {
    const accepted: Socket[] = [];
    const silent = createTcpServer((socket) => accepted.push(socket.on('error', () => {})));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const target = deploymentOf({ baseUrl: `https://127.0.0.1:${portOf(silent)}` });
    expect(await complete(quick({ connectMs: 60 }), never, target)).toMatchObject({
      failure: { kind: 'timeout', phase: 'connect' },
    });
    expect(await stream(quick({ connectMs: 60 }), never, target)).toMatchObject([
      { failure: { kind: 'timeout', phase: 'connect' } },
    ]);
    for (const socket of accepted) socket.destroy();
    silent.close();
  });

  it('first_token: neither a head, nor comments, nor a role stop it', async () => {
    handler = (_request, reply) => {
      const timer = setInterval(() => reply.write(`: wait\n\n${chunk('{"role":"assistant","content":""}')}`), 10);
      reply.on('close', () => clearInterval(timer));
    };
    expect(await stream(quick({ firstTokenMs: 200, idleMs: 50 }))).toMatchObject([
      { failure: { kind: 'timeout', phase: 'first_token' } },
    ]);
    await eventually(allSocketsClosed, { withinMs: 1_000, what: 'the socket to close' });
  });

  it('idle: from the first content on, and any byte restarts it', async () => {
    let sent = 0;
    handler = (_request, reply) => {
      reply.write(HI);
      const timer = setInterval(() => (++sent < 10 ? reply.write(':\n') : clearInterval(timer)), 20);
    };
    const events = await stream(quick({ idleMs: 400 }));
    expect(events.at(-1)).toEqual({
      kind: 'failure',
      failure: { kind: 'timeout', phase: 'idle', message: expect.any(String), afterTokens: 1 },
    });
    expect(sent).toBeGreaterThanOrEqual(9);
  });

  it('idle: a finished answer whose stream stays open is complete', async () => {
    handler = (_request, reply) => reply.write(HI + chunk('{}', '"stop"'));
    expect((await stream(quick({ idleMs: 50 }))).at(-1)).toEqual({ kind: 'end' });
  });

  it('total: for answers, and for streams that drip', async () => {
    handler = () => {};
    expect(await complete(quick({ totalMs: 60 }))).toMatchObject({ failure: { kind: 'timeout', phase: 'total' } });
    handler = (_request, reply) => {
      const timer = setInterval(() => reply.write(HI), 10);
      reply.on('close', () => clearInterval(timer));
    };
    expect((await stream(quick({ totalMs: 300 }))).at(-1)).toMatchObject({
      failure: { kind: 'timeout', phase: 'total', afterTokens: expect.any(Number) },
    });
    await eventually(allSocketsClosed, { withinMs: 1_000, what: 'the sockets to close' });
  });
});

describe('an origin that is left out of the configuration', () => {
  const origin = () => `http://127.0.0.1:${portOf(server)}`;

  it('is closed, and the others stay open', async () => {
    handler = (_request, reply) => reply.end(ANSWER);
    await complete();
    client.keepOrigins(new Set([origin()]));
    expect(allSocketsClosed()).toBe(false);
    client.keepOrigins(new Set());
    await eventually(allSocketsClosed, { withinMs: 1_000, what: 'the idle socket to close' });
  });

  it('lets what runs there end, and a late attempt begin', async () => {
    let end = (): void => {};
    handler = (_request, reply) => {
      reply.write(HI);
      end = () => reply.end(`${chunk('{}', '"stop"')}data: [DONE]\n\n`);
    };
    const running = stream();
    await eventually(() => requests === 1, { withinMs: 1_000, what: 'the call' });
    client.keepOrigins(new Set());
    end();
    expect(kinds(await running).at(-1)).toBe('end');
    handler = (_request, reply) => reply.end(ANSWER);
    expect(await complete()).toMatchObject({ kind: 'answer' });
  });
});

describe('a caller that leaves', () => {
  it('cancels a plain call, and the socket closes', async () => {
    const abort = new AbortController();
    handler = () => abort.abort();
    expect(await complete(TIMEOUTS, abort.signal)).toMatchObject({ failure: { kind: 'cancelled' } });
    await eventually(allSocketsClosed, { withinMs: 500, what: 'the socket to close' });
    expect(await complete(TIMEOUTS, abort.signal)).toMatchObject({ failure: { kind: 'cancelled' } });
    expect(requests).toBe(1);
  });

  it('cancels a stream before and after the first token', async () => {
    for (const text of ['', HI]) {
      const abort = new AbortController();
      handler = (_request, reply) => {
        reply.write(`:\n${text}`);
        setTimeout(() => abort.abort(), 20);
      };
      expect((await stream(TIMEOUTS, abort.signal)).at(-1)).toMatchObject({ failure: { kind: 'cancelled' } });
      await eventually(allSocketsClosed, { withinMs: 500, what: 'the socket to close' });
    }
  });

  it('closes the socket when the consumer stops, even while it waits', async () => {
    handler = (_request, reply) => reply.write(HI);
    for await (const batch of client.stream(STREAM, here(), never, TIMEOUTS)) {
      expect(batch).toHaveLength(1);
      break;
    }
    await eventually(allSocketsClosed, { withinMs: 500, what: 'the socket to close' });
    const batches = client.stream(STREAM, here(), never, TIMEOUTS)[Symbol.asyncIterator]();
    await batches.next();
    const waiting = batches.next();
    await batches.return?.();
    await waiting;
    await eventually(allSocketsClosed, { withinMs: 500, what: 'the socket to close' });
  });
});
