import type { Emit } from '@sluice/telemetry';
import type { Redis } from 'ioredis';

/** One event when the connection is lost and one when it is back, however often it is tried in between. */
export function reportOutages(redis: Redis, emit: Emit): void {
  let lostAt: number | undefined;
  redis.on('error', (error: Error) => {
    if (lostAt !== undefined) return;
    lostAt = performance.now();
    emit('redis.lost', { message: error.message.slice(0, 200) });
  });
  redis.on('ready', () => {
    if (lostAt !== undefined) emit('redis.back', { afterMs: Math.round(performance.now() - lostAt) });
    lostAt = undefined;
  });
}
