import type { Redis } from 'ioredis';

const LOOK_EVERY_MS = 200;

/**
 * Breaks a connection whose Redis has said nothing for `silenceMs` although it was asked: what waits for it fails at once,
 * and what comes is refused until Redis is back. A timeout for each command would do that too, and would also refuse the
 * calls of a burst that keeps this process busy for a second while Redis answers promptly: here the answers that wait in
 * the socket are read before it is called silent.
 */
export function watchSilence(redis: Redis, silenceMs: number): void {
  let heardAt = 0;
  let askedAt: number | undefined;

  redis.on('connect', () => {
    askedAt = undefined;
    redis.stream.on('data', () => {
      heardAt = performance.now();
      askedAt = undefined;
    });
  });
  const timer = setInterval(look, LOOK_EVERY_MS).unref();
  redis.on('end', () => clearInterval(timer));

  function look(): void {
    if (redis.status !== 'ready') return;
    if (askedAt === undefined) {
      askedAt = performance.now();
      redis.ping().catch(() => undefined); // something to answer, whatever else is under way
    } else if (isSilent()) {
      // Timers come before the sockets in a turn of the event loop: two turns, so that all that has arrived is read.
      setImmediate(() => setImmediate(() => isSilent() && redis.stream.destroy(new Error('Redis fell silent'))));
    }
  }

  function isSilent(): boolean {
    return askedAt !== undefined && performance.now() - Math.max(askedAt, heardAt) > silenceMs;
  }
}
