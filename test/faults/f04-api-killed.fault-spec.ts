import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../eventually.js';
import { callOnce, Cluster, type Outcome } from '../support/cluster.js';
import { sizeOf } from '../support/full-size.js';
import { EventReader, eventsOf, seqsOf, textOf } from '../support/job-events.js';
import { nativeJobs } from '../support/native-jobs.js';
import { MASTER_KEY } from '../support/sluice.js';
import type { SluiceProcess } from '../support/sluice-process.js';

const STREAMS = sizeOf(60, 500);
const WAITERS = sizeOf(60, 500);
/** So slow that none is over when all have begun. */
const TOKENS_PER_SECOND = sizeOf(8, 2);
const TEXT = Array.from({ length: 40 }, (_, i) => `w${i} `).join('');

describe('F4 an api killed with readers of events, streams and waiters on it', () => {
  let cluster: Cluster;
  let apis: SluiceProcess[];

  beforeAll(async () => {
    cluster = await new Cluster().start([{ profile: 'only' }]);
    apis = [await cluster.api(), await cluster.api()];
    await cluster.worker({ SLUICE_WORKER_CONCURRENCY: '2000' });
  }, 60_000);
  afterAll(() => cluster?.stop());

  it('loses and repeats no event of those that go on elsewhere; jobs that somebody waited for end all the same', async () => {
    cluster.simulator.setProfile('only', { tokensPerSecond: TOKENS_PER_SECOND, answer: { text: TEXT } });
    const [doomed, other] = apis as [SluiceProcess, SluiceProcess];
    const jobs = nativeJobs({ url: other.origin, group: cluster.group });
    const ids = await Promise.all(
      Array.from({ length: STREAMS }, async () => (await jobs.submit({}, { stream: true })).body['id'] as string),
    );
    const readers = ids.map((id) => new EventReader(doomed.origin, id));
    const streams = Array.from({ length: STREAMS }, () => new ChatStream(doomed.origin, cluster.group));
    const wait = (origin: string): Promise<Outcome>[] =>
      Array.from({ length: WAITERS }, (_, i) => callOnce(origin, `w${i}`, { headers: { 'idempotency-key': `w${i}` } }));
    const waiters = wait(doomed.origin);
    await eventually(() => readers.every(({ lastSeq }) => lastSeq > 5) && streams.every(({ chunks }) => chunks > 3), {
      withinMs: 30_000,
      what: 'content in each',
    });
    await doomed.end('SIGKILL');
    await Promise.all(readers.map(({ ended }) => ended));
    await Promise.all(streams.map(({ ended }) => ended));
    expect(new Set((await Promise.all(waiters)).map(({ kind }) => kind))).toEqual(new Set(['cut']));

    const rests = await Promise.all(readers.map(({ lastSeq }, i) => eventsOf(other.origin, ids[i]!, lastSeq)));
    for (const [i, { events }] of readers.entries()) {
      const all = [...events, ...rests[i]!];
      expect(seqsOf(all)).toEqual(all.map((_, n) => n + 1));
      expect([textOf(all), all.at(-1)!.type]).toEqual([TEXT, 'job.completed']);
    }
    // A plain stream has no numbers of its own: its events are its chunks, from 1.
    for (const { jobId, chunks, text } of streams) {
      const rest = await eventsOf(other.origin, jobId!, chunks);
      expect(rest[0]!.seq).toBe(chunks + 1);
      expect([text + textOf(rest), rest.at(-1)!.type]).toEqual([TEXT, 'job.completed']);
    }
    const joined = await Promise.all(wait(other.origin));
    expect(joined.filter(({ kind, text }) => kind !== 'answer' || text !== TEXT)).toEqual([]);
    expect(cluster.simulator.requests()).toHaveLength(2 * STREAMS + WAITERS); // nothing is paid twice
  }, 150_000);
});

/** A chat stream, as far as its client gets. */
class ChatStream {
  jobId: string | undefined;
  chunks = 0;
  text = '';
  readonly ended: Promise<void>;

  constructor(origin: string, model: string) {
    this.ended = this.read(origin, model).catch(() => undefined);
  }

  private async read(origin: string, model: string): Promise<void> {
    const response = await fetch(`${origin}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${MASTER_KEY}` },
      body: JSON.stringify({ model, stream: true, messages: [{ role: 'user', content: 'Go.' }] }),
    });
    this.jobId = response.headers.get('x-sluice-job-id')!;
    let held = '';
    for await (const part of response.body!.pipeThrough(new TextDecoderStream())) {
      const events = (held + part).split('\n\n');
      held = events.pop()!;
      for (const event of events) {
        if (!event.startsWith('data: {')) continue;
        this.chunks++;
        const { choices } = JSON.parse(event.slice(6)) as { choices: { delta: { content?: string } }[] };
        this.text += choices[0]?.delta.content ?? '';
      }
    }
  }
}
