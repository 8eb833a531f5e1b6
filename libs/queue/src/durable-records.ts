import type { Redis } from 'ioredis';
import { defineScript, type Script } from './define-script.js';
import { keysOf } from './group-keys.js';
import { JobsOnDisk, type Disk } from './on-disk.js';
import claimRetry from './scripts/claim-retry.lua';
import eraseJob from './scripts/erase-job.lua';
import fetchOnce from './scripts/fetch-once.lua';
import { withDurable } from './with-parts.js';

/** What is done with the records of jobs that are over. `gone`: there is no record (any more). */
export class DurableRecords {
  private readonly fetchOnce: Script<(Buffer | null)[]>;
  private readonly eraseJob: Script<'done' | 'unfinished' | 'gone'>;
  private readonly retryClaim: Script<'done' | 'unfinished' | 'taken' | 'gone'>;

  private readonly onDisk: JobsOnDisk;

  constructor(
    private readonly redis: Redis,
    disk?: Disk,
  ) {
    this.onDisk = new JobsOnDisk(disk);
    this.fetchOnce = defineScript(redis, 'sluiceFetchOnce', 2, fetchOnce, true);
    this.eraseJob = defineScript(redis, 'sluiceEraseJob', 2, withDurable(eraseJob));
    this.retryClaim = defineScript(redis, 'sluiceClaimRetry', 1, claimRetry);
  }

  /**
   * The chat answer of a completed job, and what its caller asked where that was no chat call. Undefined: not kept (any more).
   * @param once it is gone with this
   */
  async answer(
    group: string,
    jobId: string,
    once: boolean,
  ): Promise<{ answer: Buffer; asked: Buffer | undefined } | undefined> {
    const k = keysOf(group);
    const [answer, asked] = once
      ? await this.fetchOnce(k.record(jobId), k.stream(jobId))
      : await this.redis.hmgetBuffer(k.record(jobId), 'result', 'asked');
    return answer ? { answer, asked: asked ?? undefined } : undefined;
  }

  /** As its caller sent it. Undefined: not kept (any more). */
  async asked(group: string, jobId: string): Promise<Buffer | undefined> {
    const [asked, request] = await this.redis.hmgetBuffer(keysOf(group).record(jobId), 'asked', 'request');
    return asked ?? request ?? undefined;
  }

  /** @param how record and stream are gone · only what a dead letter keeps for another try */
  async erase(group: string, jobId: string, how: 'erased' | 'dismissed'): Promise<'done' | 'unfinished' | 'gone'> {
    const k = keysOf(group);
    const verdict = await this.eraseJob(k.record(jobId), k.stream(jobId), jobId, how, k.keyPrefix);
    if (verdict === 'done') await this.onDisk[how](group, jobId);
    return verdict;
  }

  /** @param before `retriedAs` as it was read; `taken`: it is something else by now */
  claimRetry(
    group: string,
    jobId: string,
    as: string,
    before: string | undefined,
  ): Promise<'done' | 'unfinished' | 'taken' | 'gone'> {
    return this.retryClaim(keysOf(group).record(jobId), 'claim', as, before ?? '');
  }

  /** The job was not accepted. */
  async releaseRetry(group: string, jobId: string, as: string, before: string | undefined): Promise<void> {
    await this.retryClaim(keysOf(group).record(jobId), 'release', as, before ?? '');
  }
}
