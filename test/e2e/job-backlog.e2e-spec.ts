import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually, JobStage, type Act } from '../support/job-stage.js';

const JOBS = 500;
const CONCURRENCY = 5;
const WINDOW = 2 * CONCURRENCY;

describe('the backlog of a group', () => {
  let stage: JobStage;
  beforeEach(async () => {
    stage = await JobStage.open();
  });
  afterEach(() => stage.stop());

  it.each([1, 2])(
    `is run once each and in order by %i worker(s), within the window, and leaves nothing behind`,
    async (workers) => {
      let mostHeld = 0;
      const act: Act = async () => {
        const [waiting, active] = await Promise.all([
          stage.redis.llen(`${stage.prefix}:inference:wait`),
          stage.redis.llen(`${stage.prefix}:inference:active`),
        ]);
        mostHeld = Math.max(mostHeld, waiting + active);
        return undefined;
      };
      const beat = await stage.addBeat(CONCURRENCY);
      const accepted: string[] = [];
      for (let i = 0; i < JOBS; i++) {
        const job = stage.newJob();
        expect(await stage.records.accept(stage.group, job, false)).toMatchObject({ kind: 'accepted' });
        accepted.push(job.jobId);
      }
      await beat.stop();
      for (let i = 0; i < workers; i++) await stage.addWorker(CONCURRENCY, act);
      await eventually(() => stage.begun.length >= JOBS, { withinMs: 15_000, what: 'all to begin' });

      expect(stage.begun.toSorted()).toEqual(accepted.toSorted());
      const overtaken = stage.begun.map((jobId, i) => Math.abs(accepted.indexOf(jobId) - i));
      expect(Math.max(...overtaken)).toBeLessThan(workers * CONCURRENCY); // those that run at a time begin in any order
      expect(mostHeld).toBeLessThanOrEqual(workers * WINDOW);

      await eventually(async () => (await keysForGood()).length === 0, {
        withinMs: 5_000,
        what: `keys to go: ${(await keysForGood()).slice(0, 5).join(' ')}`,
      });
    },
  );

  it.each([40, 600, 999, 1_400])('waits while the gate is shut for %i ms and goes on when it opens', async (shutMs) => {
    const begunAt: number[] = [];
    let untilMs = 0;
    await stage.addWorker(1, async ({ turn: { jobId }, begun: { epoch, nowMs } }) => {
      begunAt.push(nowMs);
      if (begunAt.length > 1) return undefined;
      untilMs = nowMs + shutMs;
      const written = { jobId, epoch, progress: '', dueAtMs: nowMs + 60_000 };
      await stage.records.requeue(stage.group, written, { untilMs });
      return { kind: 'requeued', othersWait: true };
    });
    const first = stage.newJob();
    await stage.queues.accept(stage.group, first);
    await eventually(() => begunAt.length === 1, { withinMs: 2_000, what: 'the first to begin' });
    const second = stage.newJob();
    await stage.records.accept(stage.group, second, false);
    await eventually(() => begunAt.length === 3, { withinMs: 4_000, what: 'both to run' });
    expect(stage.begun).toEqual([first.jobId, first.jobId, second.jobId]);
    expect(begunAt[1]! - untilMs).toBeGreaterThanOrEqual(0);
    expect(begunAt[1]! - untilMs).toBeLessThan(150); // 50 on a machine that does nothing else
  });

  it('goes on at the sooner time when the gate is told a later one first', async () => {
    const begunAt: number[] = [];
    let untilMs = 0;
    await stage.addWorker(2, async ({ turn: { jobId }, begun: { epoch, nowMs } }) => {
      begunAt.push(nowMs);
      const nth = begunAt.length;
      if (nth > 2) return undefined;
      if (nth === 2) await eventually(() => untilMs > 0, { withinMs: 2_000, what: 'the other to be given back' });
      untilMs = Math.floor(Date.now()) + (nth === 1 ? 950 : 300);
      const written = { jobId, epoch, progress: '', dueAtMs: nowMs + 60_000 };
      await stage.records.requeue(stage.group, written, { untilMs });
      return { kind: 'requeued', othersWait: true };
    });
    await Promise.all([1, 2].map(() => stage.queues.accept(stage.group, stage.newJob())));
    await eventually(() => begunAt.length === 4, { withinMs: 4_000, what: 'both to run' });
    expect(begunAt[2]! - untilMs).toBeGreaterThanOrEqual(0);
    expect(begunAt[2]! - untilMs).toBeLessThan(150);
  });

  /** Keys of the group that would stay for ever and grow with the jobs. */
  async function keysForGood(): Promise<string[]> {
    const found: string[] = [];
    for (const key of await stage.redis.keys(`${stage.prefix}:*`)) {
      const name = key.slice(stage.prefix.length + 1);
      if (!SINGLES.has(name) && (await stage.redis.pttl(key)) === -1) found.push(name);
    }
    return found;
  }
});

/** One of each in a group, however many jobs it has. */
const SINGLES = new Set([
  'workers',
  'capacity',
  'pace',
  'inference:meta',
  'inference:events',
  'inference:marker',
  'inference:id',
  'inference:stalled', // marks of the last check
]);
