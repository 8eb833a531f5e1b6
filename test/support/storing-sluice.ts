import type { LazyDatabase } from '@sluice/store';
import { freshDatabase } from './own-postgres.js';
import { OwnRedis } from './own-redis.js';
import { startSluice, type PlayedDeployment, type SluiceOptions, type SluiceUnderTest } from './sluice.js';
import { temporaryFolder } from './sluice-process.js';

export interface StoringSluice extends SluiceUnderTest {
  redisUrl: string;
  redis: OwnRedis;
  /** Where its files are. */
  dataDir: string;
  database: LazyDatabase;
}

/**
 * A Sluice with a database, a data folder and a Redis of its own: batches of all who share a Redis are driven by all of
 * them, so these must share a database as well.
 */
export async function startStoringSluice(
  deployments: PlayedDeployment[],
  { env = {}, ...options }: SluiceOptions = {},
): Promise<StoringSluice> {
  const [store, redis] = await Promise.all([freshDatabase(), new OwnRedis().start()]);
  const dataDir = temporaryFolder();
  const own = { REDIS_URL: redis.url, DATABASE_URL: store.url, SLUICE_DATA_DIR: dataDir };
  const sluice = await startSluice(deployments, { ...options, env: { ...own, ...env } });
  return {
    ...sluice,
    redisUrl: redis.url,
    redis,
    dataDir,
    database: store.database,
    stop: async () => {
      await sluice.stop();
      await store.drop();
      await redis.stop();
    },
  };
}
