import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { StreamEvent } from './adapter.js';
import { ProviderClient } from './call-provider.js';
import { callOf, deploymentOf } from './test-calls.js';

const TIMEOUTS = { connectMs: 2_000, firstTokenMs: 2_000, idleMs: 2_000, totalMs: 5_000 };

let server: Server;
let client: ProviderClient;
let handler: (request: IncomingMessage, reply: ServerResponse) => void;
let sockets: Socket[];

beforeEach(async () => {
  sockets = [];
  server = createServer((request, reply) => {
    request.resume();
    request.on('end', () => handler(request, reply));
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

const here = () => deploymentOf({ baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1` });

async function collect(batches: AsyncIterable<StreamEvent[]>): Promise<StreamEvent[]> {
  const events: StreamEvent[] = [];
  for await (const batch of batches) events.push(...batch);
  return events;
}

const ANSWER =
  '{"id":"x","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}';
const chunk = (delta: string, finish = 'null') =>
  `data: {"id":"x","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":${delta},"finish_reason":${finish}}]}\n\n`;

describe('a plain call', () => {
  it('gives the answer, and keeps the connection for the next', async () => {
    handler = (_request, reply) => reply.end(ANSWER);
    const signal = new AbortController().signal;
    for (let i = 0; i < 6; i++) {
      expect(await client.complete(callOf({}), here(), signal, TIMEOUTS)).toMatchObject({ kind: 'answer' });
    }
    // Two, since undici frees a connection just after it told us the end.
    expect(sockets.length).toBeLessThanOrEqual(2);
  });
});

describe('a streamed call', () => {
  it('gives chunks, usage and end, and keeps the connection for the next', async () => {
    handler = (_request, reply) => {
      reply.write(chunk('{"role":"assistant","content":""}') + chunk('{"content":"Hi"}'));
      reply.end(chunk('{}', '"stop"') + 'data: [DONE]\n\n');
    };
    const signal = new AbortController().signal;
    for (let i = 0; i < 6; i++) {
      const events = await collect(client.stream(callOf({ stream: true }), here(), signal, TIMEOUTS));
      expect(events.map(({ kind }) => kind)).toEqual(['chunk', 'chunk', 'usage', 'end']);
    }
    // Two, since undici frees a connection just after it told us the end.
    expect(sockets.length).toBeLessThanOrEqual(2);
  });
});
