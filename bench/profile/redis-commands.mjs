import { Redis } from 'ioredis';

/** Counts Redis' commands from now on; `stop()` lists them, {name, count, us} of Redis' own time, the dearest first. */
export async function watchRedis(path) {
  const redis = new Redis({ path });
  await redis.config('RESETSTAT');
  return {
    async stop() {
      const text = await redis.info('commandstats');
      redis.disconnect();
      return [...text.matchAll(/^cmdstat_(\S+):calls=(\d+),usec=(\d+)/gm)]
        .map(([, name, count, us]) => ({ name, count: Number(count), us: Number(us) }))
        .toSorted((a, b) => b.us - a.us);
    },
  };
}
