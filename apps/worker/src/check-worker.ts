import { youngestBeatMs } from '@sluice/queue';
import { openRedis, untilReady } from '@sluice/state';
import { workerIdPrefix } from './worker.module.js';

const FRESH_MS = 7_000;

/** Whether a worker on this host beats: the health check of its container. Answers within four seconds, whatever Redis does. */
export async function checkWorker(redisUrl: string, hostname?: string): Promise<{ ok: boolean; detail: string }> {
  const redis = openRedis(redisUrl, { role: 'api', onError: () => undefined });
  try {
    await untilReady(redis, 3_000);
    const age = await youngestBeatMs(redis, workerIdPrefix(hostname));
    if (age === undefined) return { ok: false, detail: 'no worker on this host' };
    return { ok: age < FRESH_MS, detail: `last beat ${Math.round(age)} ms ago` };
  } catch (error) {
    return { ok: false, detail: (error as Error).message };
  } finally {
    redis.disconnect();
  }
}
