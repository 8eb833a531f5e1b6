// `npm run bench:backlog`: what waiting jobs cost Redis. Takes in 200,000 jobs of many tenants, feeds them all and begins
// them, by Sluice's own scripts on a Redis of its own, without api, workers and BullMQ. Prints the memory of a waiting job
// beyond its request, and the time that Redis spends on taking in and feeding one: from a few at a time, as when each
// end of a job makes room for the next, to many.
//
//   --jobs N (200000)     --tenants N (100)     --bytes N of a request (2000)
//   --listpack N          Redis' hash-max-listpack-value: records with a request of up to so many bytes are kept compact
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import { bench, root, say } from './machine/processes.mjs';
import { markdownTable } from './report/markdown.mjs';
import { startRedis } from './systems/redis.mjs';

const { values } = parseArgs({
  options: {
    jobs: { type: 'string', default: '200000' },
    tenants: { type: 'string', default: '100' },
    bytes: { type: 'string', default: '2000' },
    listpack: { type: 'string', default: '64' },
  },
});
const [jobs, tenants, bytes] = [values.jobs, values.tenants, values.bytes].map(Number);
const P = '{sluice:bench}:';
const script = (name) => readFileSync(join(root, 'libs', 'queue', 'src', 'scripts', `${name}.lua`), 'utf8');
const shared = script('backlog-lines') + script('durable-jobs');

async function inBatches(count, size, send) {
  for (let n = 0; n < count; n += size) {
    await Promise.all(Array.from({ length: Math.min(size, count - n) }, (_, i) => send(n + i)));
  }
}

const memoryOf = async (redis) => Number(/^used_memory:(\d+)/m.exec(await redis.info('memory'))[1]);

/** µs that Redis spent in scripts. */
async function scriptTime(redis, work) {
  const spent = async () =>
    [...(await redis.info('commandstats')).matchAll(/^cmdstat_evalsha?:calls=\d+,usec=(\d+)/gm)].reduce(
      (sum, [, usec]) => sum + Number(usec),
      0,
    );
  const before = await spent();
  await work();
  return (await spent()) - before;
}

await bench(async () => {
  const server = await startRedis();
  const redis = new Redis(server.socket);
  redis.defineCommand('accept', { numberOfKeys: 6, lua: shared + script('accept-job') });
  redis.defineCommand('feed', { numberOfKeys: 5, lua: shared + script('feed-window') });
  await redis.config('SET', 'hash-max-listpack-value', values.listpack);
  await redis.hset(`${P}pace`, { beat: Date.now() + 3_600_000, window: 1_000_000 });

  const atMs = Date.now();
  const times = { acceptedAtMs: atMs, deadlineMs: atMs, startByMs: atMs, dueAtMs: atMs };
  const asked = { model: 'gpt-4o', stream: false, includeUsage: false, choices: 1, rejectWhenFull: false, tokens: 512 };
  const ids = { jobId: `job_${'0'.repeat(32)}`, group: 'bench', requestId: `req_${'0'.repeat(32)}` };
  const job = JSON.stringify({ ...ids, ...asked, ...times });
  const request = Buffer.alloc(bytes, 'x');
  const before = await memoryOf(redis);
  const acceptUs = await scriptTime(redis, () =>
    inBatches(jobs, 1_000, (n) => {
      const id = `job_${n.toString(16).padStart(32, '0')}`;
      const keys = [`${P}job:${id}`, `${P}pace`, `${P}due`, `${P}fed`, `${P}inference:wait`, `${P}inference:active`];
      const line = `${[1, 4, 0.25][n % 3]}:tenant-${n % tenants}`;
      const bounds = [1e9, 1e12, 1e9, 1e12];
      return redis.accept(keys, id, request, job, 'sluice:inbox:0123456789abcdef', 600_000, 0, 7_000, 600_000, 0,
        Date.now() + 600_000, line, P, ...bounds); // prettier-ignore
    }),
  );
  const each = ((await memoryOf(redis)) - before) / jobs;

  const rows = [];
  for (const atOnce of [1, 4, 32, 500]) {
    const rounds = Math.min(2_000, Math.floor(jobs / 8 / atOnce));
    let fed = 0;
    const us = await scriptTime(redis, async () => {
      for (let i = 0; i < rounds; i++) {
        const keys = [`${P}backlog`, `${P}fed`, `${P}inference:wait`, `${P}inference:active`, `${P}pace`];
        const [, , ...triples] = await redis.feed(keys, atOnce, P, 1_000, 100);
        fed += triples.length / 3;
        const ids = triples.filter((_, n) => n % 3 === 0);
        await redis.zrem(`${P}fed`, ...ids); // they begin
      }
    });
    rows.push([atOnce, fed, (us / fed).toFixed(1), ((us / fed / 1e6) * 1_000 * 100).toFixed(2)]);
  }
  say(`${jobs} jobs of ${tenants} tenants wait, with requests of ${bytes} bytes.`);
  say(`Memory of each: ${Math.round(each)} bytes, beyond its request ${Math.round(each - bytes)}.`);
  say(`Taking one in: ${(acceptUs / jobs).toFixed(1)} µs of Redis.\n`);
  say(markdownTable(['fed at once', 'jobs', 'µs of Redis a job', '% of Redis at 1,000 jobs/s'], rows));
  redis.disconnect();
  await server.stop();
});
