import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { findConfigFile, loadSettings, type LoadInput, type RejectedConfig, type Settings } from '@sluice/config';
import type { Database, LazyDatabase } from '@sluice/store';
import { configuredBanner, demonstrationBanner, groupNames, originOf } from './banner.js';
import { checkRedisAt } from './check-redis-at.js';
import type { DataFolder } from './data-folder.js';
import { followConfig, type Configured } from './follow-config.js';
import { DEMONSTRATION_PROFILES, DEMONSTRATION_SCRIPT, demonstrationConfig } from './demonstration.js';
import { startEmbeddedRedis } from './embedded-redis.js';
import { openEmbeddedStore } from './embedded-store.js';
import { HeldFolder } from './held-folder.js';
import { isPortTaken, listenOn, tryPort } from './listen-on.js';
import { suspectsLauncher } from './suspects-launcher.js';
import { runUntilStopped } from './until-stopped.js';
import type { SuspectsRole } from '../../worker/src/suspects-process.js';

/** Beside the drain: connections, Redis' last write. */
const CLOSE_MS = 15_000;
/** Below the time that compose files give a health check. */
const CHECK_WITHIN_MS = 4_000;

const say = (sentence: string): void => void process.stderr.write(`sluice: ${sentence}\n`);
const show = (text: string): void => void process.stdout.write(`${text}\n`);

/**
 * `sluice start`: everything in one process until SIGINT or SIGTERM. Opened in this order and closed in the reverse one:
 * data folder, Redis, simulator (only without a configuration), worker, api.
 *
 * This file alone knows all apps; each is loaded by the role that needs it.
 */
export async function start(input: LoadInput): Promise<void> {
  const isDemonstration = input.configText === undefined && findConfigFile(input) === undefined;
  const read = isDemonstration ? onLoopback(input) : input;
  const first = loadSettings(read); // what is wrong with it is told before anything is opened
  await runUntilStopped(async (open, signal) => {
    await tryPort(first);
    const held = new HeldFolder(first.dataDir, open);
    const redisUrl = first.redisUrl ?? (await openEmbeddedRedis(await held.folder(), first, open));
    signal.throwIfAborted();
    await checkRedisAt(redisUrl, first, signal, say);
    const simulator = isDemonstration ? await openDemonstration(first.port + 1, open) : undefined;
    const settings = simulator ? loadSettings({ ...read, configText: demonstrationConfig(simulator) }) : first;
    signal.throwIfAborted();
    const suspects = suspectsRole(input, settings, redisUrl);
    const database = await openDatabaseOf(settings, held, open);
    const worker = await openWorker(settings, redisUrl, suspects, open, signal, database);
    signal.throwIfAborted();
    const { origin, api } = await openApi(settings, redisUrl, open, database);
    if (!simulator) followConfig(input, settings, [worker, api], open); // a new group is served before it is called
    show(simulator ? demonstrationBanner(origin, simulator) : configuredBanner(origin, settings));
  }, first.drainMs + CLOSE_MS);
}

/** Everybody knows the demonstration's key, and its callbacks may go to this machine: it answers nobody else, unless told to. */
const onLoopback = (input: LoadInput): LoadInput => ({
  ...input,
  env: { ...input.env, SLUICE_HOST: input.env['SLUICE_HOST'] || '127.0.0.1' },
});

/** `sluice api`: admits and answers; never calls a provider. */
export async function startApi(input: LoadInput): Promise<void> {
  const { settings, redisUrl } = roleSettings('api', input);
  await runUntilStopped(async (open, signal) => {
    await tryPort(settings);
    await checkRedisAt(redisUrl, settings, signal, say);
    const { origin, api } = await openApi(settings, redisUrl, open);
    followConfig(input, settings, [api], open);
    show(configuredBanner(origin, settings));
  }, settings.drainMs + CLOSE_MS);
}

/** `sluice worker`: runs the jobs of its groups. */
export async function startWorker(input: LoadInput): Promise<void> {
  const { settings, redisUrl } = roleSettings('worker', input);
  await runUntilStopped(async (open, signal) => {
    await checkRedisAt(redisUrl, settings, signal, say);
    const suspects = suspectsRole(input, settings, redisUrl);
    const worker = await openWorker(settings, redisUrl, suspects, open, signal);
    followConfig(input, settings, [worker], open);
    show(`Sluice worker serves ${settings.workerGroups?.join(', ') ?? groupNames(settings)}`);
  }, settings.drainMs + CLOSE_MS);
}

/** `sluice worker --suspects TAG`: started by a worker, ends with it. Runs jobs that may have ended workers before. */
export async function startSuspects(input: LoadInput, tag: string): Promise<void> {
  const { settings, redisUrl } = roleSettings('worker', input);
  const endWithParent = (): boolean => process.kill(process.pid, 'SIGTERM');
  await runUntilStopped(async (open, signal) => {
    process.once('disconnect', endWithParent);
    if (!process.connected) endWithParent();
    await checkRedisAt(redisUrl, settings, signal, say);
    const worker = await openWorker(settings, redisUrl, { run: 'here', tag }, open, signal);
    followConfig(input, settings, [worker], open);
  }, settings.drainMs + CLOSE_MS);
}

/** `sluice worker --check`: whether the worker on this host beats, for a container's health check. */
export async function checkWorkerHere(input: LoadInput): Promise<boolean> {
  const redisUrl = requiredRedisUrl('worker', loadSettings(input));
  const { checkWorker } = await import('../../worker/src/check-worker.js');
  const silence = pause(CHECK_WITHIN_MS, { ok: false, detail: 'Redis did not answer' });
  const { ok, detail } = await Promise.race([checkWorker(redisUrl, hostname()), silence]);
  show(detail);
  return ok;
}

/** `sluice migrate`: brings the tables up to date, before programs of a new version start. */
export async function migrate(input: LoadInput): Promise<void> {
  const { databaseUrl } = loadSettings(input);
  if (databaseUrl === undefined) {
    throw new Error(
      '`sluice migrate` needs DATABASE_URL. The PostgreSQL of `sluice start` is brought up to date by itself.',
    );
  }
  const { bringUpToDate } = await import('@sluice/store');
  const done = await bringUpToDate(databaseUrl).catch((error: unknown) => {
    throw new Error(`The database could not be brought up to date: ${(error as Error).message}`, { cause: error });
  });
  show(
    done === 0
      ? 'The database is up to date.'
      : `The database is up to date: ${done} migration${done === 1 ? '' : 's'} run.`,
  );
}

/** `sluice simulator`: a provider that misbehaves on request. */
export async function startSimulator(options: { port: number; host: string; scriptFile?: string }): Promise<void> {
  const { createSimulator } = await import('../../simulator/src/create-simulator.js');
  const script = options.scriptFile === undefined ? undefined : await readScript(options.scriptFile);
  await runUntilStopped(async (open) => {
    const simulator = await listenOn(options.port, () => createSimulator({ ...options, script }));
    open.defer(() => simulator.stop());
    show(`Sluice simulator answers at ${originOf(options.host, simulator.port)}`);
  }, CLOSE_MS);
}

function roleSettings(role: string, input: LoadInput): { settings: Settings; redisUrl: string } {
  const settings = loadSettings(input);
  const redisUrl = requiredRedisUrl(role, settings);
  if (settings.configFile !== undefined) return { settings, redisUrl };
  throw new Error(
    `\`sluice ${role}\` needs a configuration: pass --config FILE, or set CONFIG_FILE_PATH. The demonstration is \`sluice start\`.`,
  );
}

function requiredRedisUrl(role: string, { redisUrl }: Settings): string {
  if (redisUrl !== undefined) return redisUrl;
  throw new Error(
    `\`sluice ${role}\` needs REDIS_URL: it shares its queue with other processes. \`sluice start\` runs a Redis of its own.`,
  );
}

/** One for api and worker: nothing is opened, and PostgreSQL not even started, before somebody needs it. */
async function openDatabaseOf(settings: Settings, held: HeldFolder, open: AsyncDisposableStack): Promise<LazyDatabase> {
  const { LazyDatabase } = await import('@sluice/store');
  const own = (): Promise<Database> => openEmbeddedStore(held, say);
  const database = settings.databaseUrl === undefined ? new LazyDatabase(own) : LazyDatabase.at(settings.databaseUrl);
  open.defer(() => database.stop());
  return database;
}

async function openEmbeddedRedis(
  folder: DataFolder,
  { durability }: Settings,
  open: AsyncDisposableStack,
): Promise<string> {
  const redis = await startEmbeddedRedis(folder.path, say, durability);
  open.defer(() => redis.stop());
  return redis.socketPath;
}

/** Beside the api's port, so that the printed lines stay the same from start to start; any other when that is taken. */
async function openDemonstration(port: number, open: AsyncDisposableStack): Promise<string> {
  const { createSimulator } = await import('../../simulator/src/create-simulator.js');
  const options = { host: '127.0.0.1', script: DEMONSTRATION_SCRIPT, profiles: DEMONSTRATION_PROFILES };
  const isUsual = port > 1 && port <= 65_535; // 1: the api asked for any free port
  const simulator = await createSimulator({ ...options, port: isUsual ? port : 0 }).catch((error: unknown) => {
    if (!isUsual || !isPortTaken(error)) throw error;
    return createSimulator({ ...options, port: 0 });
  });
  open.defer(() => simulator.stop());
  return simulator.origin;
}

function suspectsRole(input: LoadInput, settings: Settings, redisUrl: string): SuspectsRole {
  const launch = suspectsLauncher(input, settings, redisUrl);
  return launch === undefined ? { run: 'nowhere' } : { run: 'elsewhere', launch };
}

/** @param signal the worker begins to drain with it, while the api still answers what runs: one drain time for both */
async function openWorker(
  settings: Settings,
  redisUrl: string,
  suspects: SuspectsRole,
  open: AsyncDisposableStack,
  signal: AbortSignal,
  database?: LazyDatabase,
): Promise<Configured> {
  const { createWorker, reconfigureWorker } = await import('../../worker/src/create-worker.js');
  const worker = await createWorker(settings, redisUrl, suspects, database);
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => (closed ??= worker.close());
  signal.addEventListener('abort', () => void close().catch(() => undefined), { once: true }); // told by `defer`
  open.defer(close);
  return { apply: (next) => reconfigureWorker(worker, next), reject: () => undefined };
}

async function openApi(
  settings: Settings,
  redisUrl: string,
  open: AsyncDisposableStack,
  database?: LazyDatabase,
): Promise<{ origin: string; api: Configured }> {
  const { createApi, reconfigureApi, showRejected } = await import('../../api/src/create-api.js');
  const api = await createApi(settings, redisUrl, undefined, database);
  open.defer(() => api.close());
  await listenOn(settings.port, () => api.listen(settings.port, settings.host));
  const origin = originOf(settings.host, Number(new URL(await api.getUrl()).port || 80));
  const configured = {
    apply: (next: Settings) => reconfigureApi(api, next),
    reject: (rejected: RejectedConfig) => showRejected(api, rejected),
  };
  return { origin, api: configured };
}

async function readScript(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    throw new Error(`The script ${file} cannot be used: ${(error as Error).message}`, { cause: error });
  }
}
