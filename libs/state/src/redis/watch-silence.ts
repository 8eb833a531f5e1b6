import type { Socket } from 'node:net';
import type { Redis } from 'ioredis';

const LOOK_EVERY_MS = 200;

/**
 * Breaks a connection whose Redis has said nothing for `silenceMs` although it was asked: what waits for it fails at once,
 * and what comes is refused until Redis is back. A timeout for each command would do that too, and would also refuse the
 * calls of a burst that keeps this process busy for a second while Redis answers promptly: here the answers that wait in
 * the socket are read before it is called silent. Neither is it silent while a large request still goes out over a slow
 * link: the question waits behind it.
 */
export function watchSilence(redis: Redis, silenceMs: number): void {
  let heardAt = 0;
  let askedAt: number | undefined;
  let taken = 0;

  redis.on('connect', () => {
    askedAt = undefined;
    taken = 0;
    redis.stream.on('data', () => {
      heardAt = performance.now();
      askedAt = undefined;
    });
  });
  const timer = setInterval(look, LOOK_EVERY_MS).unref();
  redis.on('end', () => clearInterval(timer));

  function look(): void {
    if (redis.status !== 'ready') return;
    const { left, sent } = progress(redis.stream);
    if (left > 0 && sent > taken) heardAt = performance.now(); // only with a queue: a kernel takes small ones from anybody
    taken = sent;
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

/** Node has the bytes that the kernel has not taken yet here, and no public name for it: `bytesWritten` counts them too. */
type Handle = { bytesWritten: number; writeQueueSize: number };

function progress(stream: unknown): { left: number; sent: number } {
  const handle = (stream as Socket & { _handle?: Handle | null })._handle;
  if (handle === undefined || handle === null) return { left: 0, sent: 0 };
  return { left: handle.writeQueueSize, sent: handle.bytesWritten - handle.writeQueueSize };
}
