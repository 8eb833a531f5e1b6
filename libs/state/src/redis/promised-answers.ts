import type { Redis } from 'ioredis';

const KEPT_MS = 600_000;

/**
 * Answers of calls that were not held long enough: their callers were told to come back for them. A list for each tenant,
 * path and body; each is taken once, since equal calls in parallel must not share an answer.
 */
export class PromisedAnswers {
  constructor(private readonly redis: Redis) {}

  /** @param call SHA-256 of tenant, path and the body's bytes */
  async promise(call: string, { jobId, group }: { jobId: string; group: string }): Promise<void> {
    const key = keyOf(call);
    await this.redis.multi().rpush(key, `${jobId} ${group}`).pexpire(key, KEPT_MS).exec();
  }

  /** The one that was promised first; undefined: none is left. */
  async take(call: string): Promise<{ jobId: string; group: string } | undefined> {
    const promised = await this.redis.lpop(keyOf(call));
    if (promised === null) return undefined;
    const space = promised.indexOf(' ');
    return { jobId: promised.slice(0, space), group: promised.slice(space + 1) };
  }
}

const keyOf = (call: string): string => `sluice:promised:${call}`;
