import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { FAILPOINTS, nearestNames, readFailpoints } from '@sluice/core';
import { ConfigError, rowWithoutPlace } from './config-error.js';
import { generatedMasterKey } from './master-key.js';
import type { Environment } from './models/read-target.js';
import { isPostgresUrl, readConfig, redisUrlOf, type Config } from './read-config.js';
import type { Report, ReportRow } from './report.js';
import { WORKER_ROLES, type Settings, type WorkerRole } from './settings.js';

export interface LoadInput {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  /** The command line, as text. */
  readonly args: {
    readonly config?: string;
    readonly port?: string;
    readonly data?: string;
    /** Names, separated by commas. */
    readonly groups?: string;
    /** Of a worker, separated by commas. */
    readonly roles?: string;
    readonly concurrency?: string;
    readonly allowUnsupported?: boolean;
  };
  /** YAML text instead of a file: the demonstration, and tests. */
  readonly configText?: string;
  /** A process that runs reads it again: it goes on without those of `--groups` that are gone. */
  readonly isReload?: boolean;
}

const DEFAULT_FILES = ['config.yaml', 'litellm_config.yaml', '/app/config.yaml'];
const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

/**
 * The configuration to read: `--config`, else CONFIG_FILE_PATH (both as given, whether the file exists or not), else the
 * first that exists of ./config.yaml, ./litellm_config.yaml, /app/config.yaml. Undefined: there is none.
 */
export function findConfigFile({ env, cwd, args }: Pick<LoadInput, 'env' | 'cwd' | 'args'>): string | undefined {
  return (
    args.config ?? (env.CONFIG_FILE_PATH || undefined) ?? DEFAULT_FILES.find((file) => existsSync(resolve(cwd, file)))
  );
}

/**
 * Settings of a process, checked and frozen. Without any configuration: no models.
 * @throws ConfigError with every problem of file, environment and command line
 */
export function loadSettings(input: LoadInput): Settings {
  const { config, settings, masterKey, problems } = read(input);
  const isBlocked = input.args.allowUnsupported !== true && config.report.unsupported.some((row) => row.blocking);
  if (isBlocked || problems.length > 0 || config.report.errors.length > 0) throw refusal(config, problems, !isBlocked);
  return deepFreeze({ ...settings, ...keptKey(masterKey, config, settings.dataDir) });
}

/** What a start would say, without the traces that it leaves. Never throws for a bad file. */
export function checkSettings(input: LoadInput): { report: Report; isUnreadable: boolean } {
  const { config, problems } = read(input);
  const { report, isUnreadable } = config;
  const isToldBetter = (row: ReportRow): boolean =>
    problems.some(({ file, line, path }) => file === row.file && line === row.line && path === row.path);
  const noEffect = report.noEffect.filter((row) => !isToldBetter(row));
  return { report: { ...report, noEffect, errors: [...report.errors, ...problems] }, isUnreadable };
}

interface Read {
  config: Config;
  settings: Omit<Settings, 'masterKey' | 'masterKeyIsGenerated'>;
  masterKey: MasterKey;
  problems: readonly ReportRow[];
}

function read(input: LoadInput): Read {
  const configFile = input.configText === undefined ? findConfigFile(input) : undefined;
  const config = readConfig({
    env: input.env,
    cwd: input.cwd,
    file: configFile,
    text: input.configText,
  });
  const problems: ReportRow[] = [];
  const environment = new EnvironmentReader(config.env, problems);
  const redisUrl = config.env.REDIS_URL || config.redisUrl || redisOfEnvironment(config.env);
  const dataDir = resolve(input.cwd, input.args.data ?? (config.env.SLUICE_DATA_DIR || './data'));
  const settings: Omit<Settings, 'masterKey' | 'masterKeyIsGenerated'> = {
    port: environment.wholeNumber('PORT', input.args.port, '--port', 4000, 0, 65_535),
    host: config.env.SLUICE_HOST || '0.0.0.0',
    redisUrl,
    filesInS3: config.filesInS3,
    databaseUrl: environment.postgresUrl('DATABASE_URL') ?? config.databaseUrl,
    dataDir,
    logLevel: environment.word('LOG_LEVEL', LOG_LEVELS, config.isVerbose ? 'debug' : 'info'),
    configFile,
    workerConcurrency: environment.wholeNumber(
      'SLUICE_WORKER_CONCURRENCY',
      input.args.concurrency,
      '--concurrency',
      200,
      1,
      10_000,
    ),
    workerRoles: readRoles(input.args.roles, problems),
    workerGroups: readGroups(input, config, problems),
    drainMs: environment.wholeNumber('SLUICE_DRAIN_MS', undefined, '', 20_000, 0, 3_600_000),
    maxBodyBytes: config.maxBodyBytes ?? 32 * 1024 * 1024,
    failpoints: environment.failpoints(),
    models: config.models,
    policy: config.policy,
    webhooks: config.webhooks,
    bodyKey: config.env.SLUICE_BODY_KEY || undefined,
    durability: config.durability,
    strictNames: config.strict,
    configPaths: config.paths,
    hash: config.hash,
    loadedAtMs: Date.now(),
    report: config.report,
  };
  return { config, settings, masterKey: readMasterKey(config, redisUrl, problems), problems };
}

type MasterKey = { key: string | undefined } | 'generated';

function readMasterKey({ masterKey, env }: Config, redisUrl: string | undefined, problems: ReportRow[]): MasterKey {
  if (masterKey.kind === 'given') return { key: masterKey.key };
  if (env.LITELLM_MASTER_KEY) return { key: env.LITELLM_MASTER_KEY };
  if (masterKey.kind === 'none') return { key: undefined };
  if (redisUrl === undefined) return 'generated';
  problems.push({
    ...masterKey.place,
    type: 'string',
    reason: `environment variable ${masterKey.variable} is not set, and processes that share a Redis need the same key`,
    advice: `set ${masterKey.variable}`,
  });
  return { key: undefined };
}

function keptKey(
  masterKey: MasterKey,
  config: Config,
  dataDir: string,
): Pick<Settings, 'masterKey' | 'masterKeyIsGenerated'> {
  if (masterKey !== 'generated') return { masterKey: masterKey.key, masterKeyIsGenerated: false };
  try {
    return { masterKey: generatedMasterKey(dataDir), masterKeyIsGenerated: true };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? (error as Error).message;
    const sentence = `The data folder ${dataDir} cannot keep the master key (${code}): make it writable, or set LITELLM_MASTER_KEY.`;
    throw refusal(config, [rowWithoutPlace('master_key', sentence)], true);
  }
}

function refusal(
  { report, isUnreadable, paths }: Config,
  problems: readonly ReportRow[],
  allowUnsupported: boolean,
): ConfigError {
  const all: Report = { ...report, errors: [...report.errors, ...problems] };
  const unsupported = allowUnsupported
    ? report.unsupported.map((row) => ({ ...row, blocking: false }))
    : report.unsupported;
  return new ConfigError({ ...all, unsupported }, isUnreadable, paths);
}

function redisOfEnvironment(env: Environment): string | undefined {
  return env.REDIS_HOST ? redisUrlOf(env.REDIS_HOST, env.REDIS_PORT || 6379, env.REDIS_PASSWORD) : undefined;
}

function readRoles(text: string | undefined, problems: ReportRow[]): readonly WorkerRole[] {
  if (text === undefined) return WORKER_ROLES;
  const names = namesOf(text);
  const roles = WORKER_ROLES.filter((role) => names.includes(role));
  if (names.length > 0 && roles.length === new Set(names).size) return roles;
  problems.push(rowWithoutPlace('--roles', `--roles must name some of ${WORKER_ROLES.join(', ')}, but is "${text}".`));
  return WORKER_ROLES;
}

const namesOf = (list: string): string[] =>
  list
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean);

function readGroups(
  { args: { groups: text }, isReload = false }: LoadInput,
  { models }: Config,
  problems: ReportRow[],
): readonly string[] | undefined {
  if (text === undefined) return undefined;
  const names = namesOf(text);
  if (isReload) return names.filter((name) => models.groups.has(name));
  for (const name of names) {
    if (models.groups.has(name)) continue;
    const near = nearestNames(name, models.groups.keys(), 3).join(', ');
    problems.push(
      rowWithoutPlace('--groups', `--groups names "${name}", and there is no such model group (nearest: ${near}).`),
    );
  }
  if (names.length === 0) problems.push(rowWithoutPlace('--groups', '--groups must name at least one model group.'));
  return names;
}

/** Collects a sentence for each bad variable, instead of stopping at the first. */
class EnvironmentReader {
  constructor(
    private readonly env: Environment,
    private readonly problems: ReportRow[],
  ) {}

  wholeNumber(
    name: string,
    arg: string | undefined,
    option: string,
    fallback: number,
    min: number,
    max: number,
  ): number {
    const raw = arg ?? this.env[name];
    if (raw === undefined || raw === '') return fallback;
    if (/^\d+$/.test(raw) && Number(raw) >= min && Number(raw) <= max) return Number(raw);
    const title = arg === undefined ? name : option;
    this.problems.push(
      rowWithoutPlace(title, `${title} must be a whole number from ${min} to ${max}, but is "${raw}".`),
    );
    return fallback;
  }

  postgresUrl(name: string): string | undefined {
    const raw = this.env[name];
    if (raw === undefined || raw === '' || isPostgresUrl(raw)) return raw || undefined;
    this.problems.push(rowWithoutPlace(name, `${name} must be a postgresql:// address.`)); // it holds a password
    return undefined;
  }

  /** Names of tests' own, so that no operator's mistake reaches them: read under NODE_ENV=test alone. */
  failpoints(): Settings['failpoints'] {
    const { NODE_ENV, SLUICE_FAILPOINTS: text } = this.env;
    if (NODE_ENV !== 'test' || text === undefined || text === '') return undefined;
    const found = readFailpoints(text);
    if (found === undefined) {
      const expected = `name=kill[@N], by commas, of ${FAILPOINTS.join(', ')}`;
      this.problems.push(rowWithoutPlace('SLUICE_FAILPOINTS', `SLUICE_FAILPOINTS must be ${expected}.`));
    }
    return found;
  }

  word<T extends string>(name: string, words: readonly T[], fallback: T): T {
    const raw = this.env[name];
    if (raw === undefined || raw === '') return fallback;
    const word = words.find((known) => known === raw.toLowerCase());
    if (word !== undefined) return word;
    this.problems.push(rowWithoutPlace(name, `${name} must be one of ${words.join(', ')}, but is "${raw}".`));
    return fallback;
  }
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const member of value instanceof Map ? value.values() : Object.values(value)) deepFreeze(member);
  return value;
}
