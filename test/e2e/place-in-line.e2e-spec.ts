import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { QueueView, type NewJob } from '@sluice/queue';
import { eventually, JobStage } from '../support/job-stage.js';

describe('a queued job knows its place', () => {
  let stage: JobStage;
  let view: QueueView;
  beforeEach(async () => {
    stage = await JobStage.open();
    view = new QueueView(stage.redis);
  });
  afterEach(() => stage.stop());

  async function enqueue(line: string, many: number): Promise<NewJob[]> {
    const jobs = Array.from({ length: many }, () => stage.newJob({ line }));
    for (const job of jobs) await stage.records.accept(stage.group, job, false);
    return jobs;
  }

  const place = async ({ jobId }: NewJob): Promise<number | undefined> =>
    (await view.place(stage.group, jobId))?.position;

  it('exactly, where one tenant waits, also behind those that BullMQ has', async () => {
    await stage.addBeat(1);
    const direct = [stage.newJob(), stage.newJob()];
    for (const job of direct) await stage.queues.accept(stage.group, job);
    const jobs = await enqueue('1:only', 30);
    const places = await Promise.all([...direct, ...jobs].map(place));
    expect(places).toEqual(Array.from({ length: 32 }, (_, i) => i + 1));
    expect((await view.place(stage.group, jobs[0]!.jobId))?.etaMs).toBeUndefined(); // nothing has started yet
  });

  it('within a fifth, where many wait: it starts about when it was told', async () => {
    const beat = await stage.addBeat(2);
    const jobs: NewJob[] = [];
    for (let i = 0; i < 24; i++) jobs.push(...(await enqueue(`${[0.25, 1, 1, 4][i % 4]}:t${i}`, 5 + 3 * i)));
    const told = new Map<string, number>();
    for (const job of jobs) told.set(job.jobId, (await place(job))!);
    await beat.stop();
    await stage.addWorker(2);
    await eventually(() => stage.begun.length === jobs.length, { withinMs: 20_000, what: 'all to begin' });
    for (const [i, jobId] of stage.begun.entries()) {
      expect(Math.abs(told.get(jobId)! - (i + 1))).toBeLessThanOrEqual(Math.max(8, 0.2 * (i + 1)));
    }
  });

  it('and about when it starts, once some have', async () => {
    await stage.addWorker(1, async () => {
      await new Promise((resolve) => setTimeout(resolve, 20)); // what a call takes
      return undefined;
    });
    const jobs = await enqueue('1:only', 150);
    const last = jobs.at(-1)!;
    await eventually(() => stage.begun.length >= 70, { withinMs: 10_000, what: 'half to begin' });
    const { position, etaMs } = (await new QueueView(stage.redis).place(stage.group, last.jobId))!;
    const askedAtMs = performance.now();
    expect(position).toBeLessThanOrEqual(80);
    await eventually(() => stage.begun.includes(last.jobId), { withinMs: 10_000, what: 'the last' });
    const tookMs = performance.now() - askedAtMs;
    expect(etaMs! / tookMs).toBeGreaterThan(0.4);
    expect(etaMs! / tookMs).toBeLessThan(2.5);
  });

  it('not before the gate opens', async () => {
    await stage.addWorker(1, async ({ turn: { jobId }, begun: { epoch, nowMs } }) => {
      if (stage.begun.length < 20) return undefined;
      const written = { jobId, epoch, progress: '', dueAtMs: nowMs + 60_000 };
      await stage.records.requeue(stage.group, written, { untilMs: nowMs + 30_000 });
      return { kind: 'requeued', othersWait: true };
    });
    const jobs = await enqueue('1:only', 40);
    const shutMs = async (): Promise<number> => (await new QueueView(stage.redis).look(stage.group)).shutMs;
    await eventually(async () => (await shutMs()) > 0, { withinMs: 5_000, what: 'the gate to shut' });
    const seen = await new QueueView(stage.redis).place(stage.group, jobs.at(-1)!.jobId);
    expect(seen!.etaMs).toBeGreaterThan(25_000);
  });

  it('while it is queued: one that runs or is over has none', async () => {
    await stage.addWorker(1);
    const job = stage.newJob();
    await stage.queues.accept(stage.group, job);
    await eventually(async () => (await stage.stateOf(job)) === 'completed', { withinMs: 3_000, what: 'its end' });
    expect(await view.place(stage.group, job.jobId)).toBeUndefined();
    expect(await view.place(stage.group, 'job_unknown')).toBeUndefined();
  });

  it('for one command a poll: the lines of others are looked at once for all', async () => {
    await stage.addBeat(1);
    const jobs = await enqueue('1:only', 20);
    await place(jobs[0]!);
    const before = await view.look(stage.group);
    for (const job of jobs) await place(job);
    expect(await view.look(stage.group)).toBe(before);
  });
});
