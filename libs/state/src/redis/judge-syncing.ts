/** What `durability: strict` has to do on a server. */
export type Syncing =
  /** Nothing: it writes and syncs before it answers. */
  | { how: 'always' }
  /** Wait for `WAITAOF` before anything is confirmed: it answers first and syncs each second. */
  | { how: 'waitaof' }
  | { how: 'refuse'; objection: string };

/**
 * Whether a server can keep what `durability: strict` promises, and by what means. A Redis that is told not to sync while it
 * rewrites its file answers before it has synced, whatever `appendfsync` says.
 * @param fields of `INFO`
 * @param config names and values in turns, as `CONFIG GET` answers; empty: it is not allowed, as managed servers have it
 */
export function judgeSyncing(fields: ReadonlyMap<string, string>, config: readonly string[]): Syncing {
  const settings = new Map<string, string>();
  for (let i = 0; i < config.length; i += 2) settings.set(config[i]!, config[i + 1]!);
  const fsync = settings.get('appendfsync');
  const keepsFile = (settings.get('appendonly') ?? (fields.get('aof_enabled') === '1' ? 'yes' : 'no')) === 'yes';
  if (!keepsFile) return refuse('keeps no append-only file');
  if (fsync === 'no') return refuse('never syncs its append-only file');
  if (fsync === 'always' && settings.get('no-appendfsync-on-rewrite') !== 'yes') return { how: 'always' };
  switch (waitaofOf(fields)) {
    case 'true':
      return { how: 'waitaof' };
    case 'early':
      return refuse('syncs behind its answers, and its WAITAOF answers before the sync too (redis/redis#13793)');
    case 'none':
      return refuse('does not say that it syncs each write before it answers');
  }
}

const refuse = (what: string): Syncing => ({
  how: 'refuse',
  objection: `sluice.durability is strict, but the Redis server ${what}. ${WHAT_HELPS}`,
});

const WHAT_HELPS =
  'Set `appendonly yes`, `appendfsync always` and `no-appendfsync-on-rewrite no`, and allow `CONFIG GET`; or use Redis 7.2 or Redis 8, where `appendfsync everysec` is enough.';

/**
 * What a server's `WAITAOF` is worth under `everysec`. It came with Redis 7.2. From 7.4 on it answered as soon as the bytes
 * were handed to the kernel, which Redis 8.0 mended (redis/redis#13793, read 2026-11-21). Valkey has had that fault since 8.0:
 * seen in 8.0.1 and 9.1.2, where it answers within 1 ms while `fdatasync` runs once a second. It is not known which Valkey mends it.
 */
function waitaofOf(fields: ReadonlyMap<string, string>): 'true' | 'early' | 'none' {
  if (fields.has('valkey_version')) return 'early'; // 7.2 does not say it, and calls itself Redis 7.2.4
  const [major = 0, minor = 0] = (fields.get('redis_version') ?? '').split('.').map(Number);
  if (major < 7 || (major === 7 && minor < 2)) return 'none';
  return major === 7 && minor > 2 ? 'early' : 'true';
}
