import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../eventually.js';
import { tell } from '../support/full-size.js';
import { EventReader, eventsOf, seqsOf, textOf } from '../support/job-events.js';
import { OwnRedis } from '../support/own-redis.js';
import { PlayedStreams, type PlayedStream } from '../support/played-streams.js';
import { MASTER_KEY, startSluice, type SluiceUnderTest } from '../support/sluice.js';

// At full size, in processes of their own: bench/readers.mjs.
const FAST = 200;
const LAGGARDS = 10;
const COMING_BACK = 300;

const redis = new OwnRedis();
let sluice: SluiceUnderTest;
let played: PlayedStreams;

beforeAll(async () => {
  await redis.start();
  const times = { laggingMs: 300, heartbeatMs: 200 };
  const env = { REDIS_URL: redis.url };
  sluice = await startSluice([{ profile: 'only' }], { workers: 0, times, env, isWatched: true });
  played = new PlayedStreams(sluice, redis.url);
});
afterAll(async () => {
  played?.close();
  await sluice?.stop();
  await redis.stop();
});

const begin = (count: number): Promise<PlayedStream[]> =>
  Promise.all(Array.from({ length: count }, () => played.begin()));
const connections = (): Promise<number> =>
  new Promise((resolve) => sluice.api.getHttpServer().getConnections((_: unknown, count: number) => resolve(count)));

describe('F24 an api with many readers of events, some of which take nothing', () => {
  it('cuts those that lag, keeps the others quick, and gives who comes back all that it missed', async () => {
    const [fast, heavy] = [await begin(FAST), await begin(LAGGARDS)];
    const lags: number[] = [];
    const readers = fast.map(
      ({ jobId }) => new EventReader(sluice.url, jobId, 0, ({ at_ms: atMs }) => lags.push(Date.now() - atMs)),
    );
    const laggards = await Promise.all(heavy.map(({ jobId }) => laggard(jobId)));
    await eventually(() => readers.every(({ lastSeq }) => lastSeq > 0), { withinMs: 10_000, what: 'all to be there' });
    lags.length = 0; // what was in the queue before its reader came is no lag
    const held = await connections();

    const large = 'x'.repeat(512 * 1024);
    let said = 0;
    await eventually(
      async () => {
        await Promise.all([
          ...fast.map((stream) => stream.say(`t${said} `)),
          ...heavy.map((stream) => stream.say(large)),
        ]);
        said++;
        return (await connections()) <= held - LAGGARDS;
      },
      { withinMs: 30_000, what: 'the laggards to be cut' },
    );
    await Promise.all([...fast, ...heavy].map(({ finish }) => finish()));
    await Promise.all(readers.map(({ ended }) => ended));

    const text = Array.from({ length: said }, (_, i) => `t${i} `).join('');
    expect(new Set(readers.map(({ events }) => textOf(events)))).toEqual(new Set([text]));
    const p99 = lags.toSorted((a, b) => a - b)[Math.floor(lags.length * 0.99)]!;
    tell('F24', { readers: FAST + LAGGARDS, said, p99LagMs: p99 });
    expect(p99).toBeLessThan(5_000); // the figure is 250 ms, on a process of its own; readers and writers are in this one

    for (const [i, socket] of laggards.entries()) {
      const got = await rest(socket);
      const lastSeq = Number(/.*\nid: (\d+)\ndata: [^\n]*\n\n/s.exec(got)?.[1] ?? 0);
      const missed = await eventsOf(sluice.url, heavy[i]!.jobId, lastSeq);
      expect(missed[0]!.seq).toBe(lastSeq + 1);
      expect(missed.at(-1)).toMatchObject({ seq: said + 2, type: 'job.completed' });
    }
  }, 60_000);
});

describe('F25 many readers that come back at once', () => {
  it('all go on where they were, with no gap and nothing twice', async () => {
    const streams = await begin(COMING_BACK);
    const readers = streams.map(({ jobId }) => new EventReader(sluice.url, jobId));
    await Promise.all(streams.map((stream) => stream.say('before ')));
    await eventually(() => readers.every(({ lastSeq }) => lastSeq === 2), {
      withinMs: 10_000,
      what: 'the first chunk',
    });
    for (const reader of readers) reader.drop();
    await Promise.all(streams.map((stream) => stream.say('meanwhile ')));

    const back = streams.map(({ jobId }, i) => new EventReader(sluice.url, jobId, readers[i]!.lastSeq));
    await eventually(() => back.every(({ lastSeq }) => lastSeq === 3), { withinMs: 10_000, what: 'what was missed' });
    await Promise.all(streams.map((stream) => stream.say('after')));
    await Promise.all(streams.map(({ finish }) => finish()));
    await Promise.all(back.map(({ ended }) => ended));
    for (const [i, { events }] of back.entries()) {
      const all = [...readers[i]!.events, ...events];
      expect(seqsOf(all)).toEqual([1, 2, 3, 4, 5]);
      expect(textOf(all)).toBe('before meanwhile after');
    }
    const sorted = back.map(({ firstByteMs }) => firstByteMs).toSorted((a, b) => a - b);
    const p99 = sorted[Math.floor(sorted.length * 0.99)]!;
    tell('F25', { readers: COMING_BACK, p99FirstByteMs: Math.round(p99) });
    expect(p99).toBeLessThan(10_000); // the figure is 2 s
  }, 60_000);
});

/** Asks for the events of a job and takes nothing of them. */
async function laggard(jobId: string): Promise<Socket> {
  const socket = connect(Number(new URL(sluice.url).port), '127.0.0.1');
  await once(socket, 'connect');
  socket.pause();
  socket.on('error', () => undefined);
  const lines = [`GET /v1/jobs/${jobId}/events HTTP/1.1`, 'host: localhost', `authorization: Bearer ${MASTER_KEY}`];
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  return socket;
}

/** What had been sent before the connection was cut, without the marks of HTTP between its chunks. */
async function rest(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (bytes: Buffer) => (text += bytes.toString()));
  const closed = once(socket, 'close');
  socket.resume();
  await closed;
  return text.slice(text.indexOf('\r\n\r\n')).replaceAll(/\r\n[0-9a-f]+\r\n/g, '');
}
