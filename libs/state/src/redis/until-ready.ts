import type { Redis } from 'ioredis';

/** Resolves when the connection is usable. @throws a sentence when that takes longer: at start nobody waits for ever */
export function untilReady(redis: Redis, withinMs = 10_000): Promise<Redis> {
  if (redis.status === 'ready') return Promise.resolve(redis);
  return new Promise((resolve, reject) => {
    let last = 'no answer';
    const onError = (error: Error): void => void (last = error.message || 'no answer');
    const onReady = (): void => {
      stop();
      resolve(redis);
    };
    const timer = setTimeout(() => {
      stop();
      redis.disconnect();
      reject(
        new Error(
          `Redis did not answer within ${withinMs / 1_000} s (${last}). Is REDIS_URL right, and is it running?`,
        ),
      );
    }, withinMs);
    const stop = (): void => {
      clearTimeout(timer);
      redis.off('error', onError);
      redis.off('ready', onReady);
    };
    redis.on('error', onError);
    redis.on('ready', onReady);
  });
}
