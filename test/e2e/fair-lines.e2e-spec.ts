import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { NewJob } from '@sluice/queue';
import { eventually, JobStage, type Act } from '../support/job-stage.js';

const CONCURRENCY = 4;
/** BullMQ holds so many: they are ahead of whoever comes later. */
const WINDOW = 2 * CONCURRENCY;

describe('calls of several tenants that wait for one model', () => {
  let stage: JobStage;
  const lines = new Map<string, string>();
  beforeEach(async () => {
    stage = await JobStage.open();
    lines.clear();
  });
  afterEach(() => stage.stop());

  async function enqueue(line: string, many: number): Promise<NewJob[]> {
    const jobs = Array.from({ length: many }, () => stage.newJob({ line }));
    const replies = jobs.map((job) => stage.records.accept(stage.group, job, false));
    for (const { kind } of await Promise.all(replies)) expect(kind).toBe('accepted');
    for (const { jobId } of jobs) lines.set(jobId, line);
    return jobs;
  }

  const startsOf = (line: string, among = stage.begun): number => among.filter((id) => lines.get(id) === line).length;
  const begun = (many: number): Promise<void> =>
    eventually(() => stage.begun.length >= many, { withinMs: 20_000, what: `${many} starts` });

  it('ten calls beside thousands of another tenant wait for ten of these (F31, I5)', async () => {
    const beat = await stage.addBeat(CONCURRENCY);
    await enqueue('1:crowd', 3_000);
    await enqueue('1:few', 10);
    await beat.stop();
    await stage.addWorker(CONCURRENCY);
    await begun(10 + 10 + WINDOW);
    expect(startsOf('1:few', stage.begun.slice(0, 20 + WINDOW))).toBe(10);
  });

  it('that came while the crowd was being served, too', async () => {
    let few: Promise<unknown> | undefined;
    let came = 0;
    const act: Act = async () => {
      if (stage.begun.length < 300 || few !== undefined) return undefined;
      few = enqueue('1:few', 10).then(() => (came = stage.begun.length));
      await few;
      return undefined;
    };
    await stage.addBeat(CONCURRENCY);
    await enqueue('1:crowd', 2_000);
    await stage.addWorker(CONCURRENCY, act);
    await eventually(() => startsOf('1:few') === 10, { withinMs: 20_000, what: 'the ten' });
    const last = stage.begun.findLastIndex((id) => lines.get(id) === '1:few');
    expect(last - came).toBeLessThanOrEqual(20 + 2 * WINDOW);
  });

  it('nine equal ones get equal shares: Jain index above 0.95 (F31)', async () => {
    const beat = await stage.addBeat(CONCURRENCY);
    const tenants = Array.from({ length: 9 }, (_, i) => `1:t${i}`);
    for (const [i, line] of tenants.entries()) await enqueue(line, 30 + 40 * i); // who came first and who has more
    await beat.stop();
    await stage.addWorker(CONCURRENCY);
    await begun(180 + WINDOW);
    const shares = tenants.map((line) => startsOf(line, stage.begun.slice(0, 180)));
    const sum = shares.reduce((a, b) => a + b);
    const jain = sum ** 2 / (9 * shares.reduce((a, b) => a + b ** 2, 0));
    expect(jain).toBeGreaterThan(0.95);
  });

  it('low priority goes on at its weight while high saturates (F32, I5)', async () => {
    const beat = await stage.addBeat(CONCURRENCY);
    await enqueue('4:t', 1_000);
    await enqueue('0.25:t', 1_000);
    await beat.stop();
    await stage.addWorker(CONCURRENCY);
    await begun(340 + WINDOW);
    const low = startsOf('0.25:t', stage.begun.slice(0, 340));
    expect(low).toBeGreaterThanOrEqual(19);
    expect(low).toBeLessThanOrEqual(21);
  });

  it('keep the order of arrival within a line, also those that find nothing free and come back', async () => {
    let nth = 0;
    const firstTry: string[] = [];
    const act: Act = async ({ turn: { jobId }, begun: { epoch, nowMs } }) => {
      if (epoch === 1) firstTry.push(jobId);
      if (++nth % 5 !== 0) return undefined;
      const written = { jobId, epoch, progress: '', dueAtMs: nowMs + 60_000 };
      await stage.records.requeue(stage.group, written, { untilMs: nowMs });
      return { kind: 'requeued', othersWait: true };
    };
    const beat = await stage.addBeat(1);
    const jobs = [...(await enqueue('1:a', 60)), ...(await enqueue('2:b', 60))];
    await beat.stop();
    await stage.addWorker(1, act);
    await eventually(() => firstTry.length === 120, {
      withinMs: 20_000,
      what: 'all to be tried',
    });
    for (const line of ['1:a', '2:b']) {
      const came = jobs.filter(({ jobId }) => lines.get(jobId) === line).map(({ jobId }) => jobId);
      const tried = firstTry.filter((jobId) => lines.get(jobId) === line);
      const overtaken = tried.map((jobId, i) => Math.abs(came.indexOf(jobId) - i));
      expect(tried).toHaveLength(60);
      expect(Math.max(...overtaken)).toBeLessThanOrEqual(2); // the window of one worker of one
    }
  });

  it('those that BullMQ held when the provider closed stand in line with the others', async () => {
    let isOpen = false;
    const done: string[] = [];
    const act: Act = async ({ turn: { jobId }, begun: { epoch, nowMs } }) => {
      if (isOpen) return void done.push(lines.get(jobId)!);
      const written = { jobId, epoch, progress: '', dueAtMs: nowMs + 60_000 };
      await stage.records.requeue(stage.group, written, { untilMs: nowMs + 100 });
      return { kind: 'requeued', othersWait: true };
    };
    await stage.addWorker(20, act);
    const crowd = Array.from({ length: 40 }, () => stage.newJob({ line: '1:crowd' }));
    for (const job of crowd) lines.set(job.jobId, '1:crowd');
    await Promise.all(crowd.map((job) => stage.queues.accept(stage.group, job))); // straight to BullMQ
    const waiting = (): Promise<string | null> => stage.redis.hget(`${stage.prefix}:pace`, 'jobs');
    await eventually(async () => Number(await waiting()) >= 39, { withinMs: 5_000, what: 'the crowd to come back' });
    await enqueue('1:few', 5);
    isOpen = true;
    await eventually(() => done.length === 45, { withinMs: 10_000, what: 'all' });
    expect(done.lastIndexOf('1:few')).toBeLessThan(20);
  });

  it('overtake by a few hundred at most when thousands come at once', async () => {
    await stage.addBeat(CONCURRENCY);
    const crowd = Array.from({ length: 2_000 }, () => stage.newJob({ line: '1:crowd' }));
    const replies = await Promise.all(crowd.map((job) => stage.queues.accept(stage.group, job)));
    expect(replies.every(({ kind }) => kind === 'accepted')).toBe(true);
    expect(await stage.redis.llen(`${stage.prefix}:inference:wait`)).toBeLessThanOrEqual(500);
    expect(Number(await stage.redis.hget(`${stage.prefix}:pace`, 'jobs'))).toBeGreaterThanOrEqual(1_500);
  });

  it('are forgotten when all are served: no key stays that grows with tenants', async () => {
    const beat = await stage.addBeat(CONCURRENCY);
    for (let i = 0; i < 50; i++) await enqueue(`1:t${i}`, 2);
    const [job] = await enqueue('4:gone', 1);
    await stage.records.cancel(stage.group, job!.jobId, '{}');
    await beat.stop();
    await stage.addWorker(CONCURRENCY);
    await begun(100);
    const left = async (): Promise<string[]> => {
      const keys = await stage.redis.keys(`${stage.prefix}:*`);
      return keys.filter((key) => /:(?:line:.*|idle|tenants|backlog)$/.test(key));
    };
    await eventually(async () => (await left()).length === 0, { withinMs: 5_000, what: 'the lines to be forgotten' });
    expect(Object.keys(await stage.redis.hgetall(`${stage.prefix}:pace`)).toSorted()).toEqual(['beat', 'window']);
  });
});
