import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { BegunJob } from '@sluice/queue';
import { openRedis } from '@sluice/state';
import { FrameRelay, Inbox, type Follower, type JobRelay } from '@sluice/stream';
import { frameHead, readPayload, type Frame, type Outcome } from '@sluice/wire';
import { lookAtJob } from '../../apps/api/src/look-at-job.js';
import { eventually, framesOf, JobStage } from '../support/job-stage.js';

const HEARD = { withinMs: 2_000, what: 'the frames to be heard' };

/** Less than the silence after which a follower looks by itself: what ends in this time was healed by what it heard. */
const SOON_MS = 3_000;

describe('who follows a job that another call began', () => {
  let stage: JobStage;
  let jobId: string;
  let epoch: number;
  let relay: JobRelay;
  let first: Follower;
  let second: Inbox;
  let ears: ReturnType<typeof openRedis>;
  const errors: Error[] = [];

  beforeEach(async () => {
    stage = await JobStage.open();
    const beat = await stage.addBeat(1);
    const job = stage.newJob();
    ({ jobId } = job);
    first = stage.follow(job);
    await stage.records.accept(stage.group, job, true);
    await stage.redis.set(`${stage.prefix}:inference:${jobId}-1:lock`, 'token'); // as BullMQ's worker takes it
    const begun = await stage.records.begin(stage.group, { jobId, fed: 1, token: 'token' }, 'w');
    epoch = (begun as BegunJob).epoch;
    relay = new FrameRelay(stage.redis, Date.now).open(stage.group, jobId, epoch, 0, Date.now() + 60_000);
    ears = openRedis(process.env['REDIS_URL']!, { role: 'subscriber', onError: (error) => errors.push(error) });
    second = new Inbox(ears);
    await second.start();
    await beat.stop();
  });
  afterEach(async () => {
    second.stop();
    ears.disconnect();
    await stage.stop();
    if (errors.length > 0) throw new AggregateError(errors);
  });

  const say = async (...events: string[]): Promise<void> => {
    for (const event of events) {
      await relay.push(event, 1, relay.lastSeq === 0 ? '{}' : undefined);
      await relay.flush();
    }
  };
  const finish = (): Promise<unknown> => {
    const end = { jobId, epoch, state: 'completed' as const, outcome: '{"state":"completed"}', result: 'all' };
    return stage.records.finish(stage.group, end);
  };
  const join = async (inbox: Inbox = second): Promise<{ follower: Follower; verdict: string }> => {
    const follower = inbox.follow(jobId, lookAtJob(stage.redis, stage.records, stage.group));
    const verdict = await stage.records.join(stage.group, jobId, inbox.channel);
    follower.lookNow();
    return { follower, verdict };
  };
  /** As a channel would that loses, repeats or turns round what comes. */
  const publish = (kind: 'events' | 'terminal', firstSeq: number, text: string): Promise<number> => {
    const frame = frameHead(jobId, kind, epoch, firstSeq, kind === 'terminal' ? 0 : text.length) + text;
    return stage.redis.publish(second.channel, frame);
  };
  const followersOf = (): Promise<string | null> => stage.redis.hget(`${stage.prefix}:job:${jobId}`, 'followers');

  it('gets every event once, in order, and the end, and so does who began it', async () => {
    await say('a', 'b');
    const { follower, verdict } = await join();
    const heard = framesOf(follower);
    const heardFirst = framesOf(first);
    await say('c', 'd');
    await finish();
    expect([verdict, textOf(await heard), textOf(await heardFirst)]).toEqual(['joined', 'abcd.', 'abcd.']);
    expect([second.following, stage.inbox.following]).toEqual([0, 0]);
  });

  it('gets them while they come: joining in the midst of writes', async () => {
    await say('a');
    const saying = say(...'bcdefghijklmnop'.split(''));
    const joined = await Promise.all([join(), join(), join(stage.inbox)]);
    const heard = Promise.all([...joined.map(({ follower }) => follower), first].map(framesOf));
    await saying;
    await finish();
    expect((await heard).map(textOf)).toEqual(Array.from({ length: 4 }, () => 'abcdefghijklmnop.'));
    expect(await followersOf()).toBe(second.channel); // once, and not the one that it answers to
  });

  it('leaves without taking the frames from others in the same replica', async () => {
    const { follower: leaver } = await join();
    const { follower: stayer } = await join();
    const heard = framesOf(stayer);
    leaver.close();
    await say('a');
    await finish();
    expect(textOf(await heard)).toBe('a.');
  });

  it('is healed by a look when the channel loses, repeats and turns frames round', async () => {
    const follower = second.follow(jobId, lookAtJob(stage.redis, stage.records, stage.group)); // nothing is sent to it
    const frames: Frame[] = [];
    const startedAt = performance.now();
    let isOver = false;
    follower.frames.subscribe({ next: (frame) => frames.push(frame), complete: () => (isOver = true) });
    await say('a', 'b', 'c', 'd', 'e');
    await publish('events', 3, 'c'); // a and b lost
    await eventually(() => frames.length === 5, HEARD);
    for (const [seq, text] of [[4, 'd'], [3, 'c'], [3, 'c'], [1, 'a']] as const) await publish('events', seq, text); // prettier-ignore
    await say('f', 'g', 'h');
    await publish('events', 7, 'g'); // turned round with f
    await publish('events', 6, 'f');
    await finish();
    await publish('terminal', 9, '{"state":"completed"}\nall'); // h lost
    await publish('terminal', 9, '{"state":"completed"}\nall');
    await eventually(() => isOver, HEARD);
    expect(textOf(frames)).toBe('abcdefgh.');
    expect(performance.now() - startedAt).toBeLessThan(SOON_MS);
  });

  it('gets all from the stream after the end', async () => {
    await say('a', 'b', 'c');
    await finish();
    const { follower, verdict } = await join();
    const frames = await framesOf(follower);
    expect([verdict, textOf(frames)]).toEqual(['over', 'abc.']);
    expect(readPayload<Outcome>(frames.at(-1)!.payload).rest.toString()).toBe('all');
    expect(await followersOf()).toBeNull();
  });

  it('is told that events are lost when the stream of a job that is over is gone', async () => {
    await say('a', 'b');
    await finish();
    await stage.redis.del(`${stage.prefix}:stream:${jobId}`);
    const { follower } = await join();
    expect(textOf(await framesOf(follower))).toBe('upstream_interrupted');
  });

  it('is told that there is no such job', async () => {
    await stage.redis.del(`${stage.prefix}:job:${jobId}`);
    const { follower, verdict } = await join();
    expect(verdict).toBe('gone');
    follower.close();
    expect(await stage.redis.exists(`${stage.prefix}:job:${jobId}`)).toBe(0);
  });

  it('is one of the last hundred that joined', async () => {
    const inboxes = Array.from({ length: 102 }, () => `sluice:inbox:${randomBytes(16).toString('hex')}`);
    for (const inbox of inboxes) await stage.records.join(stage.group, jobId, inbox);
    expect((await followersOf())?.split(' ')).toEqual(inboxes.slice(2));
  });

  it('ends within seconds when Redis has lost the job', async () => {
    const heard = framesOf(first);
    await say('a');
    await stage.redis.del(`${stage.prefix}:job:${jobId}`, `${stage.prefix}:stream:${jobId}`);
    first.lookNow(); // as it does when its connection is back
    expect(textOf(await heard)).toBe('astorage_unavailable');
  });
});

/** Events, then how it ended: a dot for well. */
function textOf(frames: Frame[]): string {
  return frames.map(({ kind, payload }) => (kind === 'terminal' ? endOf(payload) : bodyOf(kind, payload))).join('');
}
const bodyOf = (kind: string, payload: Buffer): string => String(kind === 'head' ? readPayload(payload).rest : payload);
function endOf(payload: Buffer): string {
  const { state, error } = readPayload<Outcome>(payload).line;
  return error?.code ?? (state === 'completed' ? '.' : state);
}
