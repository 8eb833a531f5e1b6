import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { InferenceJob } from '@sluice/pipeline';
import { Follower, terminalFrame } from '@sluice/stream';
import { frameHead, readFrame, type Frame } from '@sluice/wire';
import Fastify from 'fastify';
import { eventually } from '../../../../test/eventually.js';
import { HTTP_TIMES } from './http-times.js';
import { replyWithJson } from './json-reply.js';
import { OpenCalls } from './open-calls.js';
import type { ReplyDeps } from './reply-deps.js';
import { replyWithSse } from './sse-reply.js';

const JOB_ID = `job_${'0'.repeat(32)}`;
const COMPLETED = JSON.stringify({ state: 'completed' });
const DAY_MS = 86_400_000;

let closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing) await close();
  closing = [];
});

/** The two replies on a server of their own, following a job whose frames the test tells. */
async function serving({ readResult = async () => undefined, ...times }: Partial<ReplyDeps & ReplyDeps['times']> = {}) {
  const follower = new Follower(
    JOB_ID,
    async () => undefined,
    () => undefined,
  );
  const openCalls = new OpenCalls();
  let cancelled = 0;
  const job = { jobId: JOB_ID, group: 'g', acceptedAtMs: 0, deadlineMs: 40 * DAY_MS } as InferenceJob;
  const following = {
    kind: 'following' as const,
    job,
    follower,
    cancel: async () => void cancelled++,
    isReplayed: false,
  };
  const deps = { openCalls, times: { ...HTTP_TIMES, ...times }, waitMs: 40 * DAY_MS, readResult };
  const app = Fastify();
  app.get('/sse', (_request, reply) => replyWithSse(following, reply, deps));
  app.get('/json', (_request, reply) => replyWithJson(following, reply, deps));
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  closing.push(() => app.close());
  return {
    url,
    openCalls,
    connections: () => promisify(app.server.getConnections.bind(app.server))(),
    cancelled: () => cancelled,
    tell: (frame: Frame) => follower.hear(frame),
    /** As `finish-job.lua` does with a result that is too large for a frame. */
    completeWithoutBody: (seq = 0) => follower.hear(terminalFrame(JOB_ID, seq, COMPLETED, undefined)),
  };
}

const eventsFrame = (seq: number, bytes: Buffer): Frame =>
  readFrame(Buffer.concat([Buffer.from(frameHead(JOB_ID, 'events', 1, seq, 1)), bytes]))!;

/** Asks, and reads nothing of the answer. */
async function deafReader(url: string): Promise<Socket> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  closing.unshift(async () => void socket.destroy());
  socket.on('error', () => undefined);
  socket.pause();
  await once(socket, 'connect');
  socket.write('GET /sse HTTP/1.1\r\nhost: a\r\n\r\n');
  return socket;
}

const away = () => new Error("Stream isn't writeable and enableOfflineQueue options is false");

describe.each(['/sse', '/json'])('a result that is too large for its frame, at %s', (path) => {
  it('is read from the record', async () => {
    const { url, completeWithoutBody } = await serving({ readResult: async () => Buffer.from('data: [DONE]\n\n') });
    completeWithoutBody();
    const response = await fetch(url + path);
    expect(response.status).toBe(200);
    expect(await response.text()).toContain('data: [DONE]\n\n');
  });

  it('is asked for again while Redis is away', async () => {
    let asked = 0;
    const readResult = async () => {
      if (++asked < 3) throw away();
      return Buffer.from('data: whole\n\n');
    };
    const { url, completeWithoutBody } = await serving({ readResult });
    completeWithoutBody();
    expect(await (await fetch(url + path)).text()).toContain('data: whole\n\n');
  });

  it('is an error that says so when Redis stays away, or the record is gone', async () => {
    const storage = await serving({ readResult: () => Promise.reject(away()) });
    storage.completeWithoutBody();
    const gone = await serving();
    gone.completeWithoutBody();
    const [unavailable, lost] = await Promise.all([fetch(storage.url + path), fetch(gone.url + path)]);
    expect(unavailable.status).toBe(503);
    expect(await unavailable.text()).toContain('"code":"storage_unavailable"');
    expect(lost.status).toBe(500);
  });
});

describe('a reader of a stream that reads nothing', () => {
  const large = Buffer.alloc(24 << 20, 'x'); // more than two kernels hold for it

  it('is cut when it lags, and its job goes on', async () => {
    const { url, openCalls, cancelled, tell } = await serving({ laggingMs: 100, heartbeatMs: 50 });
    const socket = await deafReader(url);
    await eventually(() => openCalls.size === 1, { withinMs: 2_000, what: 'the call' });
    tell(eventsFrame(1, large));
    await eventually(() => openCalls.size === 0, { withinMs: 2_000, what: 'the cut' });
    socket.resume();
    await once(socket, 'close');
    expect(cancelled()).toBe(0);
  });

  it('is cut when it takes nothing of the end', async () => {
    const { url, openCalls, connections, tell, completeWithoutBody } = await serving({
      unreadMs: 100,
      readResult: async () => Buffer.from('data: [DONE]\n\n'),
    });
    const socket = await deafReader(url);
    await eventually(() => openCalls.size === 1, { withinMs: 2_000, what: 'the call' });
    tell(eventsFrame(1, large));
    completeWithoutBody(1);
    await eventually(() => openCalls.size === 0, { withinMs: 2_000, what: 'the end' });
    await eventually(async () => (await connections()) === 0, { withinMs: 3_000, what: 'the cut' });
    socket.destroy();
  });
});
