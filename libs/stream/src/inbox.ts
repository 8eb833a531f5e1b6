import { randomBytes } from 'node:crypto';
import { readFrame } from '@sluice/wire';
import type { Redis } from 'ioredis';
import { Follower, type FollowerOptions, type FollowFrom, type LookAtRecord } from './follower.js';

/** A follower that has heard nothing for so long looks at the record: a lost last frame leaves no gap to see. */
const SILENCE_MS = 5_000;
const PATROL_EVERY_MS = 1_000;
const NOBODY: readonly Follower[] = [];

/**
 * One Redis channel per api replica; frames are handed to the follower of their job. A SUBSCRIBE per request would cost a
 * round trip and a channel each.
 */
export class Inbox {
  /** Nobody can guess it: 128 random bits. */
  readonly channel = `sluice:inbox:${randomBytes(16).toString('hex')}`;
  /** By job; several when callers of one replica share a job. */
  private readonly followers = new Map<string, readonly Follower[]>();
  private patrol: NodeJS.Timeout | undefined;
  private readonly onMessage = (_channel: Buffer, bytes: Buffer): void => {
    const frame = readFrame(bytes);
    if (frame === undefined) return;
    for (const follower of this.followers.get(frame.jobId) ?? NOBODY) follower.hear(frame);
  };
  /** What was published while the connection was away is lost: look. */
  private readonly onReady = (): void => {
    for (const followers of this.followers.values()) for (const follower of followers) follower.lookNow();
  };

  /**
   * @param subscriber a connection of its own: a subscribed one can do nothing else
   * @param options of all that follow by it
   */
  constructor(
    private readonly subscriber: Redis,
    private readonly options: FollowerOptions = { looksAtEnds: false },
  ) {}

  async start(): Promise<void> {
    this.subscriber.on('messageBuffer', this.onMessage);
    this.subscriber.on('ready', this.onReady); // ioredis subscribes again by itself
    this.patrol = setInterval(() => this.lookAfterSilentOnes(), PATROL_EVERY_MS);
    this.patrol.unref();
    await this.subscriber.subscribe(this.channel);
  }

  stop(): void {
    clearInterval(this.patrol);
    this.subscriber.off('messageBuffer', this.onMessage);
    this.subscriber.off('ready', this.onReady);
    for (const followers of this.followers.values()) for (const follower of followers) follower.close();
  }

  /**
   * Call this BEFORE the job is enqueued: a fast worker answers before `add` returns, and 1-4 % of answers were lost when
   * followers came second. A late joiner follows, then lets the record know its inbox, then calls `lookNow`.
   * @param look reads the job's record and replays its stream
   * @param from where a reader goes on; absent: at the beginning
   */
  follow(jobId: string, look: LookAtRecord, from?: FollowFrom): Follower {
    const follower: Follower = new Follower(jobId, look, () => this.leave(follower), from, this.options);
    this.followers.set(jobId, [...(this.followers.get(jobId) ?? NOBODY), follower]);
    return follower;
  }

  /** Jobs, not followers. */
  get following(): number {
    return this.followers.size;
  }

  private leave(follower: Follower): void {
    const others = this.followers.get(follower.jobId)?.filter((other) => other !== follower) ?? NOBODY;
    if (others.length === 0) this.followers.delete(follower.jobId);
    else this.followers.set(follower.jobId, others);
  }

  private lookAfterSilentOnes(): void {
    const now = performance.now();
    for (const followers of this.followers.values()) {
      for (const follower of followers) if (now - follower.heardAt > SILENCE_MS) follower.lookNow();
    }
  }
}
