import type { Redis } from 'ioredis';

/** Sorted set: file -> when its bytes began to be stored, Redis TIME in ms; until its row is written. */
const BEGUN = '{sluice}:uploads';
/** Bytes were stored at least once: before, nobody need ask the database for files or batches, which would start it. */
const HAS_FILES = '{sluice}:has-files';

/** Files whose bytes are being stored, or were, and which the database does not know yet: the process may die in between. */
export class Uploads {
  constructor(private readonly redis: Redis) {}

  /** Before the first byte. */
  async begin(fileId: string, nowMs: number): Promise<void> {
    await Promise.all([this.redis.set(HAS_FILES, 1), this.redis.zadd(BEGUN, nowMs, fileId)]);
  }

  /** The database knows it, or its bytes are gone. Safe to repeat. */
  async end(fileIds: readonly string[]): Promise<void> {
    if (fileIds.length > 0) await this.redis.zrem(BEGUN, ...fileIds);
  }

  /** Some of those that began before that time and did not end. */
  leftOver(beforeMs: number, most: number): Promise<string[]> {
    return this.redis.zrangebyscore(BEGUN, '-inf', `(${beforeMs}`, 'LIMIT', 0, most);
  }

  async wereEver(): Promise<boolean> {
    return (await this.redis.exists(HAS_FILES)) === 1;
  }
}
