import { spawnSync } from 'node:child_process';

/** Where a server may be that is not on the PATH. */
const VARIABLE = 'SLUICE_TEST_WAITAOF_SERVER';

/** A Redis whose `WAITAOF` waits: 7.2, or 8 and later (libs/state/src/redis/judge-syncing.ts). @throws what is missing */
export function serverWithWaitaof(): string {
  const named = process.env[VARIABLE] ?? 'redis-server';
  const { stdout } = spawnSync(named, ['--version'], { encoding: 'utf8' });
  const [, version = 'none'] = /^Redis server v=([\d.]+)/.exec(stdout ?? '') ?? [];
  if (/^(?:7\.2|[89]|\d\d+)\./.test(version)) return named;
  throw new Error(
    `This test needs a redis-server 7.2, or 8 or later, and "${named}" is ${version}. Put one on the PATH, or set ${VARIABLE} to its path.`,
  );
}
