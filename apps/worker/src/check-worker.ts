import { youngestBeatMs } from '@sluice/queue';
import { openRedis } from '@sluice/state';
import { workerIdPrefix } from './worker.module.js';

const FRESH_MS = 7_000;

/** Whether a worker on this host beats: the health check of its container. Answers within a few seconds, whatever Redis does. */
export async function checkWorker(redisUrl: string, hostname?: string): Promise<{ ok: boolean; detail: string }> {
  const redis = openRedis(redisUrl, { role: 'worker', onError: () => undefined });
  const timer = setTimeout(() => redis.disconnect(), 3_000);
  try {
    const age = await youngestBeatMs(redis, workerIdPrefix(hostname));
    if (age === undefined) return { ok: false, detail: 'no worker on this host' };
    return { ok: age < FRESH_MS, detail: `last beat ${Math.round(age)} ms ago` };
  } catch {
    return { ok: false, detail: 'Redis did not answer' };
  } finally {
    clearTimeout(timer);
    redis.disconnect();
  }
}
