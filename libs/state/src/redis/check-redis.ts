import type { Cluster, Redis } from 'ioredis';
import { judgeSyncing } from './judge-syncing.js';

/**
 * Whether a server can hold our queues and records. Throws a sentence that says what to change: a Redis before 7.0 or a
 * Valkey before 7.2 lacks what our scripts use, and any eviction policy but `noeviction` would drop accepted jobs.
 */
export async function checkRedis(
  redis: Redis,
  durability: 'everysec' | 'strict' = 'everysec',
): Promise<{ version: string; warning?: string }> {
  const { objection, ...judged } = judgeRedis(await infoOf(redis));
  if (objection) throw new Error(objection);
  if (durability === 'strict') await waitsForDisk(redis);
  return judged;
}

/**
 * Whether `strict` has to wait for the disk on this server, or on a master of this Cluster.
 * @throws a sentence when one of them cannot keep what it promises
 */
export async function waitsForDisk(redis: Redis): Promise<boolean> {
  const judged = await Promise.all(
    mastersOf(redis).map(async (node) => {
      const config = await node.config('GET', 'appendonly', 'appendfsync', 'no-appendfsync-on-rewrite').catch(() => []); // not allowed
      return judgeSyncing(fieldsOf(await infoOf(node)), (config as unknown[]).map(String));
    }),
  );
  if (judged.length === 0) throw new Error('The Redis Cluster names no masters.');
  for (const syncing of judged) if (syncing.how === 'refuse') throw new Error(syncing.objection);
  return judged.some(({ how }) => how === 'waitaof');
}

const mastersOf = (redis: Redis): Redis[] =>
  redis.isCluster ? (redis as unknown as Cluster).nodes('master') : [redis];

async function infoOf(redis: Redis): Promise<string> {
  const sections = await Promise.all(['server', 'memory', 'persistence'].map((section) => redis.info(section)));
  return sections.join('\n');
}

const fieldsOf = (info: string): Map<string, string> =>
  new Map(
    info.split(/\r?\n/).map((line): [string, string] => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    }),
  );

/**
 * @param info The answer to `INFO`: lines `name:value`. Valkey says `redis_version:7.2.4` for its clients' sake and its own
 * version in `valkey_version` (8.0 and later; 7.2 has `server_name:valkey` only).
 */
export function judgeRedis(info: string): { version: string; objection?: string; warning?: string } {
  const fields = fieldsOf(info);
  const isValkey = fields.get('server_name') === 'valkey' || fields.has('valkey_version');
  const number = fields.get('valkey_version') ?? fields.get('redis_version') ?? 'unknown';
  const version = `${isValkey ? 'Valkey' : 'Redis'} ${number}`;
  const [major = Number.NaN, minor = 0] = number.split('.').map(Number);

  const needed = isValkey ? ([7, 2] as const) : ([7, 0] as const);
  if (Number.isNaN(major)) return { version, objection: 'The server at REDIS_URL does not tell its version (INFO).' };
  if (major < needed[0] || (major === needed[0] && minor < needed[1])) {
    return { version, objection: `Sluice needs Redis 7.0 or Valkey 7.2 or later, but the server is ${version}.` };
  }
  const policy = fields.get('maxmemory_policy');
  if (policy !== undefined && policy !== 'noeviction') {
    const fix = 'Set `maxmemory-policy noeviction`, or accepted jobs may be dropped.';
    return { version, objection: `${version} has the maxmemory-policy "${policy}". ${fix}` };
  }
  if (fields.get('aof_enabled') !== '0') return { version };
  const warning = `${version} keeps no append-only file: calls that wait are lost with it. Set \`appendonly yes\`.`;
  return { version, warning };
}
