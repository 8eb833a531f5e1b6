import { openRedis } from '@sluice/state';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { Cluster } from '../support/cluster.js';
import { EventReader, eventsOf, seqsOf, textOf, type SeenEvent } from '../support/job-events.js';
import { nativeJobs } from '../support/native-jobs.js';
import type { SluiceProcess } from '../support/sluice-process.js';

const CHUNKS = 2_000;
const DROPS = 20;
const KILLS = [600, 1_300];
/** Four characters each, a token of the simulator's; none comes twice. */
const TEXT = Array.from({ length: CHUNKS }, (_, i) => `${i.toString(36).padStart(3, '0')} `).join('');

describe('a stream of 2,000 chunks whose reader moves from one api to another 20 times, while its worker is killed twice', () => {
  let cluster: Cluster;
  let apis: SluiceProcess[];
  const workers: SluiceProcess[] = [];

  beforeAll(async () => {
    cluster = await new Cluster().start([{ profile: 'only' }], 'router_settings: {disable_cooldowns: true}');
    apis = [await cluster.api(), await cluster.api()];
    for (const _ of [...KILLS, 'the last']) workers.push(await cluster.worker());
  }, 60_000);
  afterAll(() => cluster?.stop());

  /** Of the worker that has the job, as its record says. */
  async function killItsWorker(id: string): Promise<void> {
    const redis = openRedis(cluster.redis.url, { role: 'worker', onError: () => undefined });
    const worker = await redis.hget(`{sluice:${cluster.group}}:job:${id}`, 'worker');
    redis.disconnect();
    const doomed = workers.find(({ pid }) => worker!.includes(`/${pid}-`))!;
    await doomed.end('SIGKILL');
  }

  it('has each chunk once and in order, and is back within a moment', async () => {
    cluster.simulator.setProfile('only', { tokensPerSecond: 400, answer: { text: TEXT } });
    const jobs = nativeJobs({ url: apis[0]!.origin, group: cluster.group });
    const id = (await jobs.submit({}, { stream: true })).body['id'] as string;

    const seen: SeenEvent[] = [];
    const backMs: number[] = [];
    const kills = [...KILLS];
    let killing: Promise<void> | undefined;
    for (let connection = 0; seen.at(-1)?.type !== 'job.completed' && connection < 200; connection++) {
      const startedWith = seen.length;
      const isLast = connection >= DROPS;
      const reader = new EventReader(apis[connection % 2]!.origin, id, seen.at(-1)?.seq ?? 0, (event, itself) => {
        seen.push(event);
        if (kills[0] !== undefined && seen.length >= kills[0]) {
          kills.shift();
          killing = killItsWorker(id);
        }
        if (!isLast && seen.length - startedWith >= CHUNKS / (DROPS + 1)) itself.drop();
      });
      await reader.ended;
      backMs.push(reader.firstByteMs);
    }
    await killing;

    expect(seqsOf(seen)).toEqual(seen.map((_, i) => i + 1));
    expect(seen.at(-1)!.type).toBe('job.completed');
    expect(textOf(seen)).toBe(TEXT);
    const { body } = await jobs.send('GET', `/v1/jobs/${id}/attempts`);
    expect(body['data'].map((attempt: { outcome: string }) => attempt.outcome)).toEqual(['crashed', 'crashed', 'succeeded']); // prettier-ignore
    expect(await eventsOf(apis[1]!.origin, id)).toEqual(seen);
    expect((await jobs.result(id)).body).toMatchObject({ choices: [{ message: { content: TEXT } }] });

    const sorted = backMs.toSorted((a, b) => a - b);
    process.stderr.write(`6.3: back on another api, first byte after ${sorted[10]!.toFixed(0)} ms (median), ${sorted.at(-1)!.toFixed(0)} ms (longest)\n`); // prettier-ignore
    expect(sorted[10]).toBeLessThan(1_000); // the figure is 100; a busy machine is given more
  }, 120_000);
});
