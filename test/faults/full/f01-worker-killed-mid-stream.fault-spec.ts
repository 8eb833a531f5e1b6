import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../../eventually.js';
import { Cluster } from '../../support/cluster.js';
import { MASTER_KEY } from '../../support/sluice.js';
import type { SluiceProcess } from '../../support/sluice-process.js';

const CALLS = 50;
const WITHIN_MS = 15_000;

const TEXT = `${Array.from({ length: 400 }, (_, i) => `word${i}`).join(' ')}.`;

describe('F16 a worker killed when 50 streams have content out', () => {
  let cluster: Cluster;
  let api: SluiceProcess;

  beforeAll(async () => {
    cluster = await new Cluster().start([{ profile: 'only' }]);
    api = await cluster.api();
  });
  afterAll(() => cluster?.stop());

  it('goes on with each of them within 15 s: the whole text, no word lost or twice', async () => {
    cluster.simulator.setProfile('only', { tokensPerSecond: 5, answer: { text: TEXT } });
    const doomed = await cluster.worker();
    const streams = Array.from({ length: CALLS }, (_, i) => new ReadStream(api.origin, cluster.group, `m${i}`));
    await eventually(() => streams.every(({ text }) => text !== ''), { withinMs: 15_000, what: 'content in each' });

    await cluster.worker();
    cluster.simulator.setProfile('only', { answer: { text: TEXT } });
    const killedAt = performance.now();
    await doomed.end('SIGKILL');
    await Promise.all(streams.map(({ ended }) => ended));
    expect(performance.now() - killedAt).toBeLessThan(WITHIN_MS);

    expect(streams.map(({ text }) => text)).toEqual(Array(CALLS).fill(TEXT));
    for (const { rest, frames, end } of streams) {
      expect({ rest, end, last: frames.at(-1) }).toEqual({ rest: '', end: 'closed', last: '[DONE]' });
    }
    expect(cluster.simulator.requests()).toHaveLength(2 * CALLS);
  }, 60_000);
});

describe('a worker killed when 50 streams have content out, with midstream: error', () => {
  let cluster: Cluster;
  let api: SluiceProcess;

  beforeAll(async () => {
    cluster = await new Cluster().start([{ profile: 'only' }], 'sluice: {midstream: error}');
    api = await cluster.api();
  });
  afterAll(() => cluster?.stop());

  it('ends each of them within 15 s in one upstream_interrupted: whole frames, no [DONE], nothing after it', async () => {
    cluster.simulator.setProfile('only', { tokensPerSecond: 5, answer: { tokens: 500 } }); // 100 s: none ends by itself
    const doomed = await cluster.worker();
    const streams = Array.from({ length: CALLS }, (_, i) => new ReadStream(api.origin, cluster.group, `m${i}`));
    await eventually(() => streams.every(({ text }) => text !== ''), { withinMs: 15_000, what: 'content in each' });

    await cluster.worker();
    cluster.simulator.setProfile('only', { answer: { tokens: 10 } }); // a second answer would be quick, and be seen
    const killedAt = performance.now();
    await doomed.end('SIGKILL');
    await Promise.all(streams.map(({ ended }) => ended));
    const tookMs = performance.now() - killedAt;

    expect(streams.map(({ end }) => end)).toEqual(Array(CALLS).fill('closed'));
    for (const stream of streams) {
      expect(stream.rest).toBe(''); // the last frame is whole
      const frames = stream.frames.map((data) => JSON.parse(data) as Frame); // so [DONE] is none of them
      expect(frames.at(-1)).toMatchObject({ error: { code: 'upstream_interrupted', job_id: expect.any(String) } });
      expect(frames.filter(({ error }) => error !== undefined)).toHaveLength(1);
      expect(new Set(frames.slice(0, -1).map(({ id }) => id)).size).toBe(1); // no chunk of a second answer
    }
    expect(tookMs).toBeLessThan(WITHIN_MS);
    expect(cluster.simulator.requests()).toHaveLength(CALLS); // nothing is paid twice for an answer nobody may get
  }, 60_000);
});

interface Frame {
  id?: string;
  error?: { code: string };
  choices?: { delta: { content?: string } }[];
}

/** A stream read as it comes. */
class ReadStream {
  readonly frames: string[] = [];
  readonly ended: Promise<void>;
  /** Content so far. */
  text = '';
  /** What follows the last whole frame. */
  rest = '';
  end: 'open' | 'closed' | 'broken' = 'open';

  constructor(origin: string, model: string, tag: string) {
    this.ended = this.read(origin, { model, stream: true, messages: [{ role: 'user', content: `call ${tag}.` }] }).then(
      () => void (this.end = 'closed'),
      () => void (this.end = 'broken'),
    );
  }

  private async read(origin: string, body: unknown): Promise<void> {
    const response = await fetch(`${origin}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${MASTER_KEY}` },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(50_000), // silence is `broken`
    });
    for await (const part of response.body!.pipeThrough(new TextDecoderStream())) {
      const events = (this.rest + part).split('\n\n');
      this.rest = events.pop()!;
      for (const event of events) {
        if (!event.startsWith('data: ')) continue; // a heartbeat
        this.frames.push(event.slice(6));
        if (event === 'data: [DONE]') continue;
        this.text += (JSON.parse(event.slice(6)) as Frame).choices?.[0]?.delta.content ?? '';
      }
    }
  }
}
