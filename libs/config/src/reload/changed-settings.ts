import type { Settings } from '../settings.js';

/** Settings that a process takes only at its start, by what they are called where they are set. */
const AT_START = {
  port: 'PORT',
  host: 'SLUICE_HOST',
  redisUrl: 'REDIS_URL',
  databaseUrl: 'DATABASE_URL',
  dataDir: 'SLUICE_DATA_DIR',
  filesInS3: 'sluice.files',
  workerConcurrency: 'SLUICE_WORKER_CONCURRENCY',
  drainMs: 'SLUICE_DRAIN_MS',
  bodyKey: 'SLUICE_BODY_KEY',
  durability: 'sluice.durability',
  maxBodyBytes: 'general_settings.max_request_size_mb',
} as const satisfies Partial<Record<keyof Settings, string>>;

export interface ChangedSettings {
  readonly groupsAdded: readonly string[];
  readonly groupsRemoved: readonly string[];
  /** Changed in the file, and not before the next start of the process. */
  readonly atNextStart: readonly string[];
}

/** What a reload changes, for who is told of it. */
export function changedSettings(before: Settings, after: Settings): ChangedSettings {
  const [old, young] = [before, after].map(({ models }) => [...models.groups.keys()]) as [string[], string[]];
  return {
    groupsAdded: young.filter((group) => !before.models.groups.has(group)),
    groupsRemoved: old.filter((group) => !after.models.groups.has(group)),
    atNextStart: (Object.keys(AT_START) as (keyof typeof AT_START)[])
      .filter((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]))
      .map((key) => AT_START[key]),
  };
}
