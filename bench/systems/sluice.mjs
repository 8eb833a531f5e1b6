import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { launch, node, root, scratchFile } from '../machine/processes.mjs';
import { startRedis } from './redis.mjs';

const bin = join(root, 'bin', 'sluice.mjs');
/** As `npm start` and the image run it. */
const SHIPPED = ['--max-semi-space-size=16'];
const ANSWERS_AT = /Sluice answers at (http:\S+)/;
/** Settings of whoever runs the benchmark must not reach what is measured. */
const env = { REDIS_URL: '', PORT: '', CONFIG_FILE_PATH: '', SLUICE_DATA_DIR: '', LOG_LEVEL: '' };

/** @param config text of a config.yaml */
export function configFile(config) {
  const file = scratchFile('config.yaml');
  writeFileSync(file, config);
  return file;
}

/** `sluice start`: api and worker in one process, with the Redis that it runs itself. */
export async function startSluice({ config, key }) {
  const args = [...SHIPPED, bin, 'start', '--config', configFile(config), '--port', '0', '--host', '127.0.0.1'];
  const dataDir = scratchFile('data');
  const sluice = await launch('start', node, [...args, '--data', dataDir], { ready: ANSWERS_AT, env });
  return { ...systemOf([sluice.match[1]], key, [sluice]), dataDir };
}

/**
 * `sluice api` and `sluice worker` beside a redis-server on a Unix socket.
 * @param apis, workers how many of each
 * @param nodeArgs for each, by its role, such as --cpu-prof
 */
export async function startSplit({ config, key, apis = 1, workers = 1, nodeArgs = () => [] }) {
  const redis = await startRedis();
  const file = configFile(config);
  const shared = { ...env, REDIS_URL: redis.socket };
  const role = (name, more, ready) =>
    launch(name, node, [...SHIPPED, ...nodeArgs(name), bin, name, '--config', file, ...more], { ready, env: shared });
  const started = { api: [], worker: [] };
  for (let n = 0; n < workers; n++) started.worker.push(await role('worker', [], /Sluice worker serves/));
  for (let n = 0; n < apis; n++)
    started.api.push(await role('api', ['--port', '0', '--host', '127.0.0.1'], ANSWERS_AT));
  const origins = started.api.map(({ match }) => match[1]);
  return { ...systemOf(origins, key, [...started.api, ...started.worker, redis]), redisSocket: redis.socket };
}

/** Stopped in the order given: who takes calls goes first, Redis last. */
function systemOf(origins, key, processes) {
  return {
    origin: origins[0],
    origins,
    headers: { authorization: `Bearer ${key}` },
    pids: processes.map(({ pid }) => pid),
    processes,
    async stop() {
      for (const { stop } of processes) await stop();
    },
  };
}
