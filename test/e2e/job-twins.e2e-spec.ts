import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  acceptJob,
  claimRetry,
  eraseJob,
  releaseRetry,
  beginJob,
  cancelJob,
  countSuspectCrash,
  expireJob,
  feedWindow,
  finishJob,
  isolateJob,
  keptText,
  newJobGroup,
  noteAttempt,
  relayFrames,
  requeueJob,
  sweepGroup,
  type FedJob,
  type JobGroup,
  type JobRecord,
  type Told,
} from '@sluice/core';
import { DurableRecords, JobRecords } from '@sluice/queue';
import { openRedis } from '@sluice/state';
import { FrameRelay } from '@sluice/stream';
import { frameHead } from '@sluice/wire';
import { Queue, Worker, type Job } from 'bullmq';
import fc from 'fast-check';
import type { Redis } from 'ioredis';
import { BacklogFeeder, type OverdueJob } from '../../libs/queue/src/backlog-feeder.js';
import { keysOf } from '../../libs/queue/src/group-keys.js';
import type { JobEnvelope } from '../../libs/queue/src/job-envelope.js';
import { SuspectsQueue } from '../../libs/queue/src/suspects-queue.js';
import { withSteppedClock, type SteppedRedis } from '../support/stepped-redis.js';

/** Random histories; a nightly run asks for more. */
const RUNS = Math.min(Number(process.env['SLUICE_PROPERTY_RUNS'] ?? 200), 2_000);
const STEPS = 80;
const MOST_JOBS = 8;
const SUSPECTS_WORKER = 'suspects@here/1-x';
const START_US = 1_800_000_000_000_000;
const BOUNDS = { jobs: 6, bytes: 30, tenantJobs: 4, tenantBytes: 16 };
const SENT = { silenceMs: 7_000, overdueMs: 30_000 };
const SENT_AT_MS = 1_800_000_000_000;
const SENT_WITH = { attempt: 0, atMs: SENT_AT_MS };
const KEPT_FOR = [
  { resultMs: 86_400_000, requestMs: 0, deadLetterMs: 604_800_000 },
  { resultMs: 30_000, requestMs: 0, deadLetterMs: 0 },
  { resultMs: 3_600_000, requestMs: 7_200_000, deadLetterMs: 7_200_000 },
];
const LINES = ['1:a', '4:a', '0.25:b', '3:c', '1:b'];
const KEPT = { keptMs: 600_000, keptDeliveredMs: 60_000, inlineBytes: 262_144 };
const FED = { atMost: 500, addTakesMs: 1_000 };
const SWEPT = { atMost: 2_000, addLostMs: 5_000 };

/** How often each is drawn. */
const ACTIONS = {
  accept: 3,
  'repeat accept': 1,
  cancel: 1,
  erase: 1,
  'claim a retry': 2,
  fetch: 3,
  'fetch a suspect': 2,
  begin: 4,
  note: 1,
  relay: 2,
  finish: 1,
  'give back': 3,
  'hand back': 1,
  expire: 2,
  feed: 3,
  sweep: 2,
  leave: 2,
  fail: 2,
  stall: 2,
  'suspects die': 1,
  'sweep suspects': 1,
  'lose add': 1,
  'late add': 2,
  wait: 2,
  resize: 1,
  pause: 1,
  resume: 1,
};

const step = fc.record({
  do: fc.constantFrom(
    ...Object.entries(ACTIONS).flatMap(([name, weight]) =>
      Array.from({ length: weight }, () => name as keyof typeof ACTIONS),
    ),
  ),
  pick: fc.nat({ max: 999 }),
  again: fc.constantFrom(false, false, false, true),
});

/** Few histories would lose three workers under one job, or fill a group: some begin so. The number says what it is about. */
const historyOf = (text: string) =>
  text.split(' > ').map((each) => {
    const [, action, pick] = /^(.+) (\d+)$/.exec(each)!;
    return { do: action as keyof typeof ACTIONS, pick: Number(pick), again: false };
  });
const isolating = historyOf(
  'accept 1 > fetch 0 > begin 0 > stall 0 > fetch 0 > begin 1 > stall 1 > fetch 0 > begin 2 > stall 2 > fetch 0 > ' +
    'begin 3 > fetch a suspect 0',
);
const filling = historyOf('resize 0 > accept 12 > accept 17 > accept 13 > accept 18 > accept 11 > accept 23');
const failing = historyOf('accept 21 > fetch 0 > fail 0 > wait 5 > sweep 0');
const openings = [[], [], [], isolating.slice(0, -1), isolating, filling, failing];
const opening = fc.constantFrom(...openings);

interface Run {
  isSuspect: boolean;
  bull: Job<JobEnvelope>;
  token: string;
  jobId: string;
  fed: number;
  epoch: number;
  seq: number;
}

describe('the job scripts and their twin in core', () => {
  const group = `twins-${randomUUID()}`;
  const k = keysOf(group);
  const heardInbox = `sluice:inbox:${randomUUID()}`;
  const channels = [heardInbox, 'sluice:worker:w0:cancel', 'sluice:worker:w1:cancel'];
  let redis: Redis;
  let stepped: SteppedRedis;
  let ears: Redis;
  let queue: Queue<JobEnvelope>;
  let worker: Worker<JobEnvelope>;
  let suspectsWorker: Worker<JobEnvelope>;
  let suspects: SuspectsQueue;

  beforeAll(async () => {
    redis = openRedis(process.env['REDIS_URL']!, { role: 'worker', onError: () => undefined });
    ears = openRedis(process.env['REDIS_URL']!, { role: 'subscriber', onError: () => undefined });
    stepped = withSteppedClock(redis, `${k.prefix}:clock`);
    const bull = { connection: redis, prefix: k.prefix };
    const defaultJobOptions = { removeOnComplete: { count: 0 }, removeOnFail: { count: 1_000 } };
    queue = new Queue('inference', { ...bull, defaultJobOptions });
    ears.setMaxListeners(0);
    const idle = { ...bull, autorun: false, lockDuration: 600_000 };
    worker = new Worker('inference', null, idle);
    suspectsWorker = new Worker('suspects-queue', null, { ...idle, name: SUSPECTS_WORKER });
    suspects = new SuspectsQueue(redis, group);
    await ears.subscribe(`${group}:mark`, ...channels);
  });
  afterAll(async () => {
    await Promise.all([worker.close(true), suspectsWorker.close(true), suspects.close()]);
    await queue.close();
    redis.disconnect();
    ears.disconnect();
  });

  it(
    `decide alike in ${RUNS} histories of ${STEPS} steps`,
    async () => {
      const seen = new Set<string>();
      const records = new JobRecords(redis, 'elsewhere');
      const durableRecords = new DurableRecords(redis);
      const suspectRecords = new JobRecords(redis, 'here');
      const relay = new FrameRelay(redis, () => SENT_AT_MS);
      let begins = 0;
      let suspectBegins = 0;
      const histories = fc.asyncProperty(
        opening,
        fc.array(step, { minLength: STEPS, maxLength: STEPS }),
        async (first, drawn) => {
          const steps = [...first, ...drawn];
          await forget(redis, k.prefix);
          const twin = newJobGroup(3);
          await redis.hset(k.pace, { window: '3' });
          const jobs: string[] = [];
          const runs: Run[] = [];
          const overdue: OverdueJob[] = [];
          let tokens = 0;
          let nowUs = START_US;
          const heard: Told[] = [];
          const hear = (channel: string, message: string): void => void heard.push({ channel, message });
          ears.on('message', hear);
          const told: Told[] = [];

          for (const { do: what, pick, again } of steps) {
            nowUs += 1 + (pick % 700);
            const nowMs = Math.floor(nowUs / 1_000);
            stepped.setUs(nowUs);
            const [waiting, active] = await Promise.all([redis.llen(k.bullWait), redis.llen(k.bullActive)]);
            const bull = { waiting, active };
            const jobId = jobs[pick % jobs.length];
            const run = runs[pick % runs.length];
            let fromScripts: unknown;
            let fromTwin: unknown;
            /** What the twin does; run once more when the command is sent once more. */
            let repeat: (() => unknown) | undefined;

            switch (what) {
              case 'accept':
              case 'repeat accept': {
                const id = what === 'accept' ? idOf(group, jobs.length) : jobId;
                if (id === undefined || (what === 'accept' && jobs.length >= MOST_JOBS)) break;
                if (what === 'repeat accept' && !twin.records.has(id)) break; // nobody takes an id again that was erased
                if (pick % 8 > 0) await beat();
                const ask = {
                  jobId: id,
                  job: `{"n":${pick}}`,
                  replyTo: pick % 2 === 0 ? heardInbox : `${heardInbox}-deaf`,
                  dueInMs: [2_000, 50_000][pick % 2]!,
                  startInMs: [0, 100, 3_000, 50_000, 50_000][pick % 5]!,
                  isLone: pick % 3 === 0,
                  deadlineMs: nowMs + 60_000,
                  line: LINES[pick % LINES.length]!,
                  bounds: BOUNDS,
                  kept: pick % 11 === 5 ? KEPT_FOR[0] : undefined,
                };
                const isDurable = pick % 3 === 1;
                const notBeforeMs = [0, nowMs - 5, nowMs + 900, nowMs + 20_000][pick % 4];
                const asked = pick % 5 === 0 ? 'asked' : undefined;
                const durable = { about: `{"of":${pick}}`, notBeforeMs };
                const kept = isDurable ? KEPT_FOR[pick % KEPT_FOR.length] : ask.kept;
                const request = 'ask'.repeat(1 + (pick % 3));
                const isDirect = pick % 7 < 2;
                const own = { ...ask, kept, ...(isDurable ? { durable: { ...durable, asked } } : {}) };
                repeat = () => acceptJob(twin, bull, { ...own, request, isDirect, ...SENT }, nowUs);
                fromTwin = repeat();
                fromScripts = await records.accept(
                  group,
                  {
                    ...own,
                    request: Buffer.from(request),
                    asked: isDurable && asked !== undefined ? Buffer.from(asked) : undefined,
                    durable: isDurable ? durable : undefined,
                  },
                  isDirect,
                );
                if (twin.delayed.has(id)) seen.add('delayed');
                if (isDurable && !(nowMs - twin.beatMs! <= SENT.silenceMs)) seen.add('accepted without a worker');
                const { kind } = fromTwin as { kind: string };
                seen.add(kind === 'queue_full' ? `${kind}: ${(fromTwin as { whose: string }).whose}` : kind);
                if (kind === 'accepted' && what === 'accept') jobs.push(id);
                if (isDirect) await queue.add('chat', { jobId: id, replyTo: ask.replyTo }, { jobId: `${id}-1` });
                break;
              }
              case 'fetch':
              case 'fetch a suspect': {
                const token = `token-${++tokens}`;
                const isSuspect = what === 'fetch a suspect';
                const found = await (isSuspect ? suspectsWorker : worker).getNextJob(token, { block: false });
                if (!found) break;
                const fed = Number(found.id!.slice(found.id!.lastIndexOf('-') + 1));
                runs.push({ isSuspect, bull: found, token, jobId: found.data.jobId, fed, epoch: 0, seq: 0 });
                break;
              }
              case 'begin': {
                if (run === undefined) break;
                const workerId = run.isSuspect ? SUSPECTS_WORKER : `w${pick % 2}`;
                const prefix = run.isSuspect ? k.suspectJob : k.bullJob;
                const holdsLock = (await redis.get(`${prefix}${run.bull.id}:lock`)) === run.token;
                const runId = `${workerId}#${run.isSuspect ? ++suspectBegins : ++begins}`;
                const suspectFrom = run.isSuspect ? ('here' as const) : 3;
                const ask = { jobId: run.jobId, workerId, runId, feedNumber: run.fed, holdsLock, suspectFrom };
                repeat = () => {
                  const reply = beginJob(twin, { ...ask, overdueMs: SENT.overdueMs }, nowMs);
                  if (reply.kind === 'suspect') return reply.kind;
                  if (reply.kind !== 'begun') return undefined;
                  const { kind: _, ...begun } = reply;
                  return begun;
                };
                fromTwin = repeat();
                const begun = await (run.isSuspect ? suspectRecords : records).begin(group, run, workerId);
                if (begun === 'suspect') {
                  const turn = { jobId: run.jobId, fed: run.fed, token: run.token, replyTo: '' };
                  repeat = () => isolateJob(twin, { ...ask, holdsLock }, nowMs)?.crashes;
                  fromTwin = [fromTwin, repeat()];
                  fromScripts = [begun, await suspects.isolate(turn)];
                  seen.add('isolated');
                  break;
                }
                fromScripts = begun && { ...begun, request: begun.request.toString() };
                seen.add(begun === undefined ? 'not begun' : begun.crashes > 0 ? 'begun after a crash' : 'begun');
                if (begun !== undefined) Object.assign(run, { epoch: begun.epoch, seq: begun.seq });
                break;
              }
              case 'note':
                if (run === undefined) break;
                repeat = () => noteAttempt(twin, run.jobId, run.epoch, progressOf(pick));
                fromTwin = repeat();
                fromScripts = await records.note(group, run.jobId, run.epoch, progressOf(pick));
                seen.add(`note: ${String(fromTwin)}`);
                break;
              case 'relay': {
                if (run === undefined || run.epoch === 0) break;
                const count = 1 + (pick % 3);
                const { epoch, seq } = run;
                const events = `data: ${pick}\n\n`.repeat(count);
                const frame = frameHead(run.jobId, 'events', epoch, seq + 1, count, SENT_WITH) + events;
                const ask = { jobId: run.jobId, epoch, firstSeq: seq + 1, lastSeq: seq + count, frame };
                repeat = () => {
                  const reply = relayFrames(twin, ask);
                  told.push(...reply.told);
                  return reply.verdict;
                };
                fromTwin = repeat();
                const sender = relay.open(group, run.jobId, epoch, seq, Date.now() + 60_000);
                await sender.push(events, count);
                fromScripts = await sender.flush();
                if (fromTwin === 'go') run.seq += count;
                seen.add(`relay: ${String(fromTwin)}`);
                break;
              }
              case 'finish': {
                if (run === undefined) break;
                const state = (['completed', 'failed', 'cancelled'] as const)[pick % 3]!;
                const result = pick % 50 === 0 ? 'x'.repeat(300_000) : pick % 2 === 0 ? '' : 'an answer';
                const attempts = pick % 3 === 0 ? undefined : pick % 7;
                const ask = { jobId: run.jobId, state, outcome: `{"by":${run.epoch}}`, result, attempts, ...KEPT };
                repeat = () => hearEnd(finishJob(twin, run.epoch, ask, isHeard(run.jobId), nowMs));
                fromTwin = repeat();
                fromScripts = await records.finish(group, { ...ask, epoch: run.epoch });
                seen.add(fromTwin === undefined ? 'finish: stale' : state);
                break;
              }
              case 'give back':
              case 'hand back': {
                if (run === undefined || run.epoch === 0) break;
                const untilMs =
                  what === 'hand back' || run.isSuspect ? undefined : nowMs + [-1, 0, 400, 2_500][pick % 4]!;
                const written = {
                  jobId: run.jobId,
                  epoch: run.epoch,
                  progress: progressOf(pick),
                  dueAtMs: nowMs + 30_000,
                };
                const outSinceMs = untilMs === undefined || pick % 3 === 0 ? undefined : nowMs - 1_000 * (pick % 12);
                const back = { untilMs, outSinceMs, isSuspect: run.isSuspect };
                repeat = () => requeueJob(twin, { ...written, ...back }, nowMs);
                fromTwin = repeat();
                const by = run.isSuspect ? suspectRecords : records;
                fromScripts = await by.requeue(
                  group,
                  written,
                  untilMs === undefined ? undefined : { untilMs, outSinceMs },
                );
                seen.add(`${what}: ${String(fromTwin)}`);
                break;
              }
              case 'cancel': {
                if (jobId === undefined) break;
                const asked = { jobId, outcome: '{}', keptMs: 60_000, keptAtLeastMs: 600_000 };
                const onlyWaiting = pick % 3 === 0;
                const reply = cancelJob(twin, { ...asked, workerChannel: 'sluice:worker:', onlyWaiting }, nowMs);
                told.push(...reply.told);
                fromTwin = reply.kind;
                fromScripts = await (onlyWaiting
                  ? records.cancelWaiting(group, jobId, '{}')
                  : records.cancel(group, jobId, '{}'));
                seen.add(reply.kind);
                break;
              }
              case 'erase': {
                if (jobId === undefined) break;
                const how = pick % 4 === 0 ? 'erased' : 'dismissed';
                fromTwin = eraseJob(twin, jobId, how);
                fromScripts = await durableRecords.erase(group, jobId, how);
                seen.add(`${how}: ${String(fromTwin)}`);
                break;
              }
              case 'claim a retry': {
                if (jobId === undefined) break;
                const before = pick % 3 === 0 ? undefined : twin.records.get(jobId)?.retriedAs;
                const ask = { jobId, as: `retry${pick % 4}`, before: before ?? '' };
                if (pick % 5 === 0) {
                  releaseRetry(twin, ask);
                  await durableRecords.releaseRetry(group, jobId, ask.as, before);
                  break;
                }
                repeat = () => claimRetry(twin, ask, nowMs);
                fromTwin = repeat();
                fromScripts = await durableRecords.claimRetry(group, jobId, ask.as, before);
                seen.add(`retry: ${String(fromTwin)}`);
                break;
              }
              case 'expire': {
                const past = overdue.splice(pick % Math.max(1, overdue.length), 1)[0];
                const id = past?.jobId ?? jobId;
                if (id === undefined) break;
                const state = past?.how === 'running' ? 'failed' : 'expired';
                const ask = { jobId: id, state, outcome: '{"late":1}' } as const;
                fromTwin = hearEnd(expireJob(twin, { ...ask, result: '', ...KEPT }, isHeard(id), nowMs));
                fromScripts = await records.expire(group, ask);
                seen.add(fromTwin === undefined ? 'expire: stale' : `ended from outside: ${state}`);
                break;
              }
              case 'feed': {
                const reply = feedWindow(twin, bull, FED, nowMs);
                fromTwin = reply.fed.map(bullIdOf);
                const before = await redis.lrange(k.bullWait, '0', '-1');
                const isNew = await missing(reply.fed.map(bullIdOf));
                const feeder = new BacklogFeeder(redis, group, queue);
                await feeder.feed();
                feeder.stop(); // else it feeds once more when the gate opens, on the clock of this machine
                const after = await redis.lrange(k.bullWait, '0', '-1');
                fromScripts = after.filter((id) => !before.includes(id)).toReversed();
                fromTwin = (fromTwin as string[]).filter((id) => isNew.has(id));
                if (reply.shutMs > 0) seen.add('gate shut');
                if (reply.fed.length > 0) seen.add(reply.fed.some((f) => f.feedNumber > 2) ? 'fed again' : 'fed');
                break;
              }
              case 'sweep': {
                const known = await bullJobs();
                const find = (id: string, n: number) => known.get(`${id}-${n}`) ?? 'no';
                const reply = sweepGroup(twin, find, SWEPT, nowMs);
                await redis.del(k.sweeper);
                const found: OverdueJob[] = [];
                await new BacklogFeeder(redis, group, queue).sweep(async (job) => void found.push(job));
                overdue.push(...found);
                const added = [...(await bullJobs()).keys()].filter((id) => !known.has(id));
                fromScripts = { overdue: found, added: added.toSorted() };
                fromTwin = { overdue: reply.overdue, added: reply.addAgain.map(bullIdOf).toSorted() };
                for (const { jobId: id, feedNumber } of reply.addAgain) {
                  seen.add(known.get(`${id}-${feedNumber - 1}`) === 'ended' ? 'swept after a failure' : 'swept');
                }
                break;
              }
              case 'leave':
              case 'fail':
                if (run === undefined) break;
                runs.splice(runs.indexOf(run), 1);
                await (
                  what === 'fail'
                    ? run.bull.moveToFailed(new Error('threw'), run.token)
                    : pick % 4 === 0
                      ? run.bull.moveToWait(run.token)
                      : run.bull.moveToCompleted(undefined, run.token, false)
                ).catch(() => undefined);
                break;
              case 'stall': {
                // As BullMQ's stalled check does with a job whose lock is gone.
                if (run === undefined) break;
                await stallAgain(run);
                break;
              }
              case 'suspects die': {
                const active = await redis.lrange(k.suspectActive, '0', '-1');
                const ids = active.map((id) => id.slice(0, id.lastIndexOf('-')));
                repeat = () => ids.filter((id) => countSuspectCrash(twin, id, SUSPECTS_WORKER));
                fromTwin = repeat();
                fromScripts = await suspects.crashed(SUSPECTS_WORKER);
                if ((fromTwin as string[]).length > 0) seen.add('a suspect crashed');
                for (const lost of runs.filter(({ isSuspect }) => isSuspect)) await stallAgain(lost);
                break;
              }
              case 'sweep suspects': {
                const known = await bullJobs(k.suspectJob);
                const find = (id: string, n: number) => known.get(`${id}-${n}`) ?? 'no';
                const isAny = twin.suspects.size > 0;
                const reply = isAny ? sweepGroup(twin, find, SWEPT, nowMs, 'suspects') : { addAgain: [] };
                await suspects.look();
                const added = [...(await bullJobs(k.suspectJob)).keys()].filter((id) => !known.has(id));
                fromScripts = added.toSorted();
                fromTwin = reply.addAgain.map(bullIdOf).toSorted();
                if (added.length > 0) seen.add('a suspect was swept');
                break;
              }
              case 'lose add': {
                const lostSuspect = pick % 2 === 0 ? await redis.rpop(k.suspectWait) : null;
                if (lostSuspect !== null) await redis.del(`${k.suspectJob}${lostSuspect}`);
                const lost = await redis.rpop(k.bullWait); // an `add` that never came
                if (lost !== null) await redis.del(`${k.bullJob}${lost}`);
                break;
              }
              case 'late add': {
                // Of an api that repeats itself, or a feeder that was frozen.
                if (jobId === undefined) break;
                const record = twin.records.get(jobId);
                if (record === undefined) break; // erased
                const { fed, line, replyTo } = record;
                const isNext = twin.delayed.has(jobId) || twin.backlog.lines.get(line)?.has(jobId) === true;
                const last = isNext ? fed - 1 : fed; // its number is not given out yet
                await queue.add('chat', { jobId, replyTo }, { jobId: `${jobId}-${1 + (pick % last)}` });
                break;
              }
              case 'wait':
                nowUs += [300_000, 1_000_000, 5_000_001, 12_000_000, 300_000, 5_000_001, 95_000_000][pick % 7]!;
                break;
              case 'resize':
                twin.window = pick % 6;
                await redis.hset(k.pace, { window: pick % 6 });
                break;
              case 'pause':
              case 'resume':
                twin.isPaused = what === 'pause' && pick % 3 === 0; // most of a history it is not
                await (twin.isPaused ? redis.hset(k.pace, { paused: 1 }) : redis.hdel(k.pace, 'paused'));
            }

            expect(fromScripts).toEqual(fromTwin);
            if (again && repeat !== undefined) {
              repeat();
              await stepped.sendAgain();
              seen.add('sent again');
            }
            await hearAll(redis, ears, group);
            expect(heard.filter(({ channel }) => channel !== `${group}:mark`)).toEqual(
              told.filter(({ channel }) => channels.includes(channel)),
            );
            heard.length = told.length = 0;
            expect(await dump(jobs)).toEqual(flat(twin, jobs));
          }
          ears.off('message', hear);

          async function beat(): Promise<void> {
            twin.beatMs = Math.floor(nowUs / 1_000);
            await redis.hset(k.pace, { beat: twin.beatMs });
          }

          function isHeard(id: string): boolean {
            return twin.records.get(id)?.replyTo === heardInbox;
          }

          function hearEnd(reply: ReturnType<typeof finishJob>): { othersWait: boolean } | undefined {
            if (reply.kind === 'stale') return undefined;
            told.push(...reply.told);
            return { othersWait: reply.othersWait };
          }
        },
      );
      await fc.assert(histories, { numRuns: RUNS });
      // The histories must reach every corner, or their agreement says little. The rarest is missed by some two hundred.
      const missed = (): string[] => CORNERS.filter((corner) => !seen.has(corner));
      for (let more = 0; more < 5 && missed().length > 0; more++) await fc.assert(histories, { numRuns: RUNS / 2 });
      expect(missed()).toEqual([]);
    },
    60_000 + RUNS * 5_000,
  );

  it('let in who was delayed, though the record of another is gone', async () => {
    await forget(redis, k.prefix);
    stepped.setUs(START_US);
    await redis.zadd(k.delayed, 1, 'job_gone');
    await redis.hset(k.pace, { later: 1 });
    const feeder = new BacklogFeeder(redis, group, queue);
    await feeder.feed();
    feeder.stop();
    expect(await redis.exists(k.delayed)).toBe(0);
    expect(await redis.hexists(k.pace, 'later')).toBe(0);
  });

  async function missing(bullIds: string[]): Promise<Set<string>> {
    const known = await bullJobs();
    return new Set(bullIds.filter((id) => !known.has(id)));
  }

  async function stallAgain({ isSuspect, bull: { id } }: Run): Promise<void> {
    const [prefix, active, wait] = isSuspect
      ? [k.suspectJob, k.suspectActive, k.suspectWait]
      : [k.bullJob, k.bullActive, k.bullWait];
    await redis.del(`${prefix}${id}:lock`);
    if ((await redis.lrem(active, '1', id!)) > 0) await redis.rpush(wait, id!);
  }

  async function bullJobs(prefix = k.bullJob): Promise<Map<string, 'live' | 'ended'>> {
    const found = new Map<string, 'live' | 'ended'>();
    const keys = await redis.keys(`${prefix}job_*`);
    for (const key of keys) {
      if (key.endsWith(':lock')) continue;
      found.set(key.slice(prefix.length), (await redis.hexists(key, 'finishedOn')) === 1 ? 'ended' : 'live');
    }
    return found;
  }

  /** The group as it lies in Redis. */
  async function dump(jobs: readonly string[]): Promise<Dump> {
    const setAt = async (key: string): Promise<string[]> => {
      const found = await redis.zrange(key, '0', '-1', 'WITHSCORES');
      return found.map((text, i) => (i % 2 === 0 ? text : String(Number(text))));
    };
    const [starts, idle, lines, tenants, due, fed, handedSuspects, pace, spans, delayed, later, ledger, ...each] =
      await Promise.all([
        setAt(k.backlog),
        setAt(`${k.keyPrefix}idle`),
        Promise.all(LINES.map((line) => setAt(`${k.keyPrefix}line:${line}`))),
        redis.hgetall(`${k.keyPrefix}tenants`),
        setAt(k.due),
        setAt(k.fed),
        setAt(k.suspects),
        redis.hgetall(k.pace),
        redis.hgetall(k.starts),
        setAt(k.delayed),
        redis.hgetall(`${k.keyPrefix}later`),
        redis.xrange(k.ledger, '-', '+'),
        ...jobs.map(async (id) => {
          const [record, stream, ttl] = await Promise.all([
            redis.hgetall(k.record(id)),
            redis.xrange(k.stream(id), '-', '+'),
            redis.pttl(k.record(id)),
          ]);
          const frames = stream.map(([entry, [, frame]]) => [entry, frame!] as const);
          return { id, record, frames, ttl: ttl < 0 ? undefined : Math.ceil(ttl / 10_000) * 10_000 };
        }),
      ]);
    const { jobs: waiting, bytes, clock = '0', until, burst, later: laterAt, out, outSeen } = pace;
    const counts = { waiting, bytes, clock: String(Number(clock)), until, burst, laterAt, out, outSeen };
    const told = ledger.map(([, fields]) => fieldsOf(fields));
    const sets = { starts, idle, lines, tenants, due, fed, suspects: handedSuspects, delayed, later };
    return { ...sets, counts, spans, ledger: told, jobs: each };
  }
});

const CORNERS = [
  'isolated',
  'a suspect crashed',
  'a suspect was swept',
  'accepted',
  'no_worker',
  'no_capacity',
  'queue_full: group',
  'queue_full: tenant',
  'begun',
  'begun after a crash',
  'not begun',
  'sent again',
  'note: go',
  'note: stale',
  'relay: go',
  'relay: stale',
  'completed',
  'failed',
  'cancelled',
  'finish: stale',
  'give back: requeued',
  'give back: stale',
  'hand back: requeued',
  'gate shut',
  'fed',
  'cancelling',
  'over',
  'ended from outside: expired',
  'expire: stale',
  'swept',
  'swept after a failure',
  'delayed',
  'accepted without a worker',
  'erased: done',
  'erased: unfinished',
  'dismissed: done',
  'retry: done',
  'retry: unfinished',
  'retry: taken',
  'running',
];

interface Dump {
  starts: string[];
  idle: string[];
  lines: string[][];
  tenants: Record<string, string>;
  due: string[];
  fed: string[];
  suspects: string[];
  delayed: string[];
  later: Record<string, string>;
  ledger: Record<string, string>[];
  counts: Record<string, string | undefined>;
  spans: Record<string, string>;
  jobs: {
    id: string;
    record: Record<string, string>;
    frames: (readonly [string, string])[];
    ttl: number | undefined;
  }[];
}

/** The twin in the shape of what lies in Redis. */
function flat(twin: JobGroup, jobs: readonly string[]): Dump {
  const { untilMs, burst } = twin.gate ?? {};
  const { starts, lines, idle, clock, tenants, ...counts } = twin.backlog;
  const isWaiting = counts.jobs > 0;
  return {
    starts: flatSet(starts),
    idle: flatSet(idle),
    lines: LINES.map((line) => flatSet(lines.get(line) ?? new Map())),
    tenants: flatTenants(tenants),
    delayed: flatSet(twin.delayed),
    later: flatLater(twin.later),
    ledger: twin.ledger,
    due: flatSet(twin.due),
    fed: flatSet(twin.fed),
    suspects: flatSet(twin.suspects),
    spans: Object.fromEntries([...twin.starts].map(([span, many]) => [String(span), String(many)])),
    counts: {
      waiting: isWaiting ? String(counts.jobs) : undefined,
      bytes: isWaiting ? String(counts.bytes) : undefined,
      clock: String(clock),
      until: untilMs === undefined ? undefined : String(untilMs),
      burst: burst === undefined ? undefined : String(burst),
      laterAt: twin.laterMs === undefined ? undefined : String(twin.laterMs),
      out: twin.outage && String(twin.outage.sinceMs),
      outSeen: twin.outage && String(twin.outage.seenMs),
    },
    jobs: jobs.map((id) => {
      const record = twin.records.get(id);
      if (record === undefined) return { id, record: {}, frames: [], ttl: undefined };
      const frames = [...(twin.streams.get(id) ?? [])].map(([seq, frame]) => [`${seq}-0`, frame] as const);
      return { id, record: flatRecord(record), frames, ttl: record.keptMs };
    }),
  };
}

function flatSet(set: ReadonlyMap<string, number>): string[] {
  const entries = [...set].toSorted(([a, x], [b, y]) => x - y || (a < b ? -1 : 1));
  return entries.flatMap(([id, score]) => [id, String(score)]);
}

function flatRecord({
  deadlineMs,
  startedAtMs,
  isCancelled,
  order,
  line,
  epoch,
  kept,
  finishedAtMs,
  ...same
}: JobRecord): Record<string, string> {
  const cancel = isCancelled ? 1 : undefined;
  const all = {
    ...same,
    epoch: epoch || undefined,
    place: `${order} ${line}`,
    deadline: deadlineMs,
    startedAt: startedAtMs,
    finishedAt: finishedAtMs,
    kept: kept && keptText(kept),
    cancel,
    keptMs: undefined,
  };
  return Object.fromEntries(
    Object.entries(all)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, String(value)]),
  );
}

const bullIdOf = ({ jobId, feedNumber }: FedJob): string => `${jobId}-${feedNumber}`;

const progressOf = (pick: number): string => (pick % 2 === 0 ? `{"attempts":${pick}}` : 'none');

const fieldsOf = (flatly: readonly string[]): Record<string, string> =>
  Object.fromEntries(Array.from({ length: flatly.length / 2 }, (_, i) => [flatly[2 * i]!, flatly[2 * i + 1]!]));

const flatLater = (later: ReadonlyMap<string, { jobs: number; bytes: number }>): Record<string, string> => {
  const bytes = [...later.values()].reduce((sum, of) => sum + of.bytes, 0);
  return later.size === 0 ? {} : { ...flatTenants(later), bytes: String(bytes) };
};

const flatTenants = (tenants: ReadonlyMap<string, { jobs: number; bytes: number }>): Record<string, string> =>
  Object.fromEntries(
    [...tenants].flatMap(([tenant, { jobs, bytes }]) => [
      [`jobs:${tenant}`, String(jobs)],
      [`bytes:${tenant}`, String(bytes)],
    ]),
  );

const idOf = (group: string, n: number): string => `job_${group.slice(-12)}${n.toString(16).padStart(20, '0')}`;

/** Until everything published so far has come. */
async function hearAll(redis: Redis, ears: Redis, group: string): Promise<void> {
  const mark = randomUUID();
  await new Promise<void>((resolve) => {
    const onMark = (channel: string, message: string): void => {
      if (channel !== `${group}:mark` || message !== mark) return;
      ears.off('message', onMark);
      resolve();
    };
    ears.on('message', onMark);
    void redis.publish(`${group}:mark`, mark);
  });
}

async function forget(redis: Redis, prefix: string): Promise<void> {
  const keys = (await redis.keys(`${prefix}:*`)).filter((key) => !key.endsWith(':meta'));
  if (keys.length > 0) await redis.del(...keys);
}
