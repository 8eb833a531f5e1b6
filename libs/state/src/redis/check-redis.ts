import type { Redis } from 'ioredis';

/**
 * Whether a server can hold our queues and records. Throws a sentence that says what to change: a Redis before 7.0 or a
 * Valkey before 7.2 lacks what our scripts use, and any eviction policy but `noeviction` would drop accepted jobs.
 */
export async function checkRedis(
  redis: Redis,
  durability: 'everysec' | 'strict' = 'everysec',
): Promise<{ version: string; warning?: string }> {
  const sections = await Promise.all(['server', 'memory', 'persistence'].map((section) => redis.info(section)));
  const { objection, ...judged } = judgeRedis(sections.join('\n'));
  if (objection) throw new Error(objection);
  if (durability === 'strict') {
    const lax = judgeSyncing(await redis.config('GET', 'appendonly', 'appendfsync').catch(() => []));
    if (lax !== undefined) throw new Error(lax);
  }
  return judged;
}

/**
 * What `durability: strict` needs: Redis writes and syncs before it answers, so whoever has a job's id or its result has what
 * is on disk, and no command more is asked for. @param config names and values in turns, as `CONFIG GET` answers
 */
export function judgeSyncing(config: unknown): string | undefined {
  const flat = Array.isArray(config) ? config.map(String) : [];
  const valueOf = (name: string): string | undefined => flat[flat.indexOf(name) + 1];
  const isStrict =
    flat.includes('appendonly') && valueOf('appendonly') === 'yes' && valueOf('appendfsync') === 'always';
  if (isStrict) return undefined;
  return 'sluice.durability is strict, but the Redis server does not say that it syncs each write before it answers. Set `appendonly yes` and `appendfsync always`, and allow `CONFIG GET`.';
}

/**
 * @param info The answer to `INFO`: lines `name:value`. Valkey says `redis_version:7.2.4` for its clients' sake and its own
 * version in `valkey_version` (8.0 and later; 7.2 has `server_name:valkey` only).
 */
export function judgeRedis(info: string): { version: string; objection?: string; warning?: string } {
  const fields = new Map(
    info.split(/\r?\n/).map((line): [string, string] => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    }),
  );
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
