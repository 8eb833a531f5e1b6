import { createHash } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Redis } from 'ioredis';
import { root } from '../machine/processes.mjs';

const SAMPLES = 20_000;

/**
 * Counts Redis' commands from now on, with Redis' own time for each.
 * @returns `stop()`: commands {name, count, us}, the dearest first; `sampleScripts(whileMs)`: {name, count, us} of each script in
 * that time, by Redis' slow log, which is set to keep everything meanwhile
 */
export async function watchRedis(path) {
  const redis = new Redis({ path });
  await redis.config('RESETSTAT');
  return {
    async sampleScripts(whileMs) {
      await redis.config('SET', 'slowlog-max-len', SAMPLES);
      await redis.slowlog('RESET');
      await redis.config('SET', 'slowlog-log-slower-than', 0);
      await new Promise((resolve) => setTimeout(resolve, whileMs));
      await redis.config('SET', 'slowlog-log-slower-than', -1);
      return byScript(await redis.slowlog('GET', SAMPLES), await scriptNames());
    },
    async stop() {
      const text = await redis.info('commandstats');
      redis.disconnect();
      return [...text.matchAll(/^cmdstat_(\S+):calls=(\d+),usec=(\d+)/gm)]
        .map(([, name, count, us]) => ({ name, count: Number(count), us: Number(us) }))
        .toSorted((a, b) => b.us - a.us);
    },
  };
}

/** @param entries of the slow log: [id, time, µs, [command, …arguments], …] */
function byScript(entries, names) {
  const scripts = new Map();
  for (const [, , us, [command, sha]] of entries) {
    if (command.toLowerCase() !== 'evalsha') continue;
    const name = names.get(sha) ?? sha;
    const sum = scripts.get(name) ?? scripts.set(name, { name, count: 0, us: 0 }).get(name);
    sum.count += 1;
    sum.us += us;
  }
  return [...scripts.values()].toSorted((a, b) => b.us - a.us);
}

/** SHA-1 of its text → a script's name: Sluice's from its files, BullMQ's from its modules. */
async function scriptNames() {
  const names = new Map();
  const add = (text, name) => names.set(createHash('sha1').update(text).digest('hex'), name);
  for (const file of globSync(join(root, 'libs', '*', 'src', '**', '*.lua'))) {
    add(readFileSync(file, 'utf8'), basename(file));
  }
  for (const file of globSync(join(root, 'node_modules', 'bullmq', 'dist', 'esm', 'scripts', '*-*.js'))) {
    for (const { content } of Object.values(await import(pathToFileURL(file).href))) {
      if (typeof content === 'string') add(content, `bullmq ${basename(file, '.js')}`);
    }
  }
  return names;
}
