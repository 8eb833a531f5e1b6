import { JobRecords, type BegunJob } from '@sluice/queue';
import { openRedis } from '@sluice/state';
import { FrameRelay, type JobRelay } from '@sluice/stream';
import { sseData } from '@sluice/wire';
import { nativeJobs } from './native-jobs.js';
import type { SluiceUnderTest } from './sluice.js';

/** Streams of jobs that the test itself gives, in place of a worker: as many as it likes, at its own pace. */
export class PlayedStreams {
  private readonly redis;
  private readonly records: JobRecords;
  private readonly frames: FrameRelay;

  constructor(
    private readonly sluice: Pick<SluiceUnderTest, 'url' | 'group'>,
    redisUrl: string,
  ) {
    this.redis = openRedis(redisUrl, { role: 'worker', onError: () => undefined });
    this.records = new JobRecords(this.redis);
    this.frames = new FrameRelay(this.redis, Date.now);
  }

  /** Submitted, and begun as a worker would. */
  async begin(): Promise<PlayedStream> {
    const { group } = this.sluice;
    const { body } = await nativeJobs(this.sluice).submit({}, { stream: true });
    const jobId = body['id'] as string;
    const fed = Number(await this.redis.hget(`{sluice:${group}}:job:${jobId}`, 'fed'));
    await this.redis.set(`{sluice:${group}}:inference:${jobId}-${fed}:lock`, 'token');
    const begun = (await this.records.begin(group, { jobId, fed, token: 'token' }, 'played')) as BegunJob;
    const relay = this.frames.open(group, jobId, begun.epoch, begun.seq, Date.now() + 600_000);
    const finish = (): Promise<unknown> =>
      this.records.finish(group, {
        jobId,
        epoch: begun.epoch,
        state: 'completed',
        outcome: JSON.stringify({ state: 'completed', atMs: Date.now(), tail: 'data: [DONE]\n\n' }),
        result: '{}',
      });
    return new PlayedStream(jobId, relay, finish);
  }

  close(): void {
    this.redis.disconnect();
  }
}

export class PlayedStream {
  private said = 0;

  constructor(
    readonly jobId: string,
    private readonly relay: JobRelay,
    readonly finish: () => Promise<unknown>,
  ) {}

  /** Sends one more chunk. */
  async say(text: string): Promise<void> {
    const chunk = sseData(JSON.stringify({ choices: [{ index: 0, delta: { content: text }, finish_reason: null }] }));
    await this.relay.push(chunk, 1, this.said++ === 0 ? '{}' : undefined);
    await this.relay.flush();
  }
}
