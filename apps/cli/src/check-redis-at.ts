import { setTimeout as pause } from 'node:timers/promises';
import type { Settings } from '@sluice/config';

/** Longer than a Redis that starts beside us takes; then the process ends and whoever started it may try again. */
const REDIS_WITHIN_MS = 30_000;

/** Refuses what would lose jobs: a server that is too old, one that evicts, or (`strict`) one that syncs behind its answers. Waits for one that is still starting. */
export async function checkRedisAt(
  redisUrl: string,
  { durability }: Settings,
  signal: AbortSignal,
  say: (sentence: string) => void,
): Promise<void> {
  const { checkRedis, networkWarning, openRedis } = await import('@sluice/state');
  const warning = networkWarning(redisUrl);
  if (warning !== undefined) say(warning);
  let trouble = '';
  const redis = openRedis(redisUrl, {
    role: 'worker',
    onError: (error) => {
      if (trouble === '')
        say(`Redis at ${withoutPassword(redisUrl)} does not answer yet (${error.message}); trying again.`);
      trouble = error.message;
    },
  });
  const late = new AbortController();
  const tooLate = pause(REDIS_WITHIN_MS, undefined, { signal: AbortSignal.any([signal, late.signal]) }).then(() => {
    throw new Error(`Redis at ${withoutPassword(redisUrl)} does not answer (${trouble}). Start it, or mend REDIS_URL.`);
  });
  try {
    const checked = await Promise.race([checkRedis(redis, durability), tooLate]);
    if (checked?.warning !== undefined) say(checked.warning);
  } finally {
    late.abort();
    tooLate.catch(() => undefined);
    redis.disconnect();
  }
}

const withoutPassword = (redisUrl: string): string => redisUrl.replace(/\/\/[^@/]*@/, '//');
