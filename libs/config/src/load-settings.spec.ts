import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError } from './config-error.js';
import { formatReport } from './format-report.js';
import { findConfigFile, loadSettings, type LoadInput } from './load-settings.js';
import type { Settings } from './settings.js';

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'sluice-settings-'));
});
afterEach(() => rmSync(cwd, { recursive: true }));

const MODEL = 'model_list: [{model_name: gpt-4o, litellm_params: {model: gpt-4o, api_key: k}}]\n';
const load = (env: Record<string, string> = {}, args: LoadInput['args'] = {}, rest = ''): Settings =>
  loadSettings({ env, cwd, args, configText: MODEL + rest });
const refusal = (run: () => unknown): ConfigError => {
  try {
    run();
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('it was not refused');
};

describe('the configuration file', () => {
  const find = (env: Record<string, string> = {}, args: LoadInput['args'] = {}) => findConfigFile({ env, cwd, args });

  it('is looked for in LiteLLM’s order', () => {
    expect(find()).toBeUndefined();
    writeFileSync(join(cwd, 'litellm_config.yaml'), MODEL);
    expect(find()).toBe('litellm_config.yaml');
    writeFileSync(join(cwd, 'config.yaml'), MODEL);
    expect(find()).toBe('config.yaml');
    expect(find({ CONFIG_FILE_PATH: '/x.yaml' })).toBe('/x.yaml');
    expect(find({ CONFIG_FILE_PATH: '/x.yaml' }, { config: 'y.yaml' })).toBe('y.yaml');
  });

  it('that was named and is not there stops the start', () => {
    const error = refusal(() => loadSettings({ env: {}, cwd, args: { config: 'y.yaml' } }));
    expect(error.message).toBe('the configuration y.yaml does not exist');
    expect(error.isUnreadable).toBe(true);
  });

  it('need not be: there are no models then', () => {
    const settings = loadSettings({ env: {}, cwd, args: {} });
    expect(settings).toMatchObject({ configFile: undefined, port: 4000, masterKey: undefined, workerConcurrency: 200 });
    expect(settings.models.groups.size).toBe(0);
    expect(settings.report.errors).toEqual([]);
  });

  it('is named in the settings', () => {
    writeFileSync(join(cwd, 'config.yaml'), MODEL);
    expect(loadSettings({ env: {}, cwd, args: {} })).toMatchObject({ configFile: 'config.yaml' });
  });
});

describe('the environment and the command line', () => {
  it('have defaults', () => {
    expect(load()).toMatchObject({
      port: 4000,
      host: '0.0.0.0',
      redisUrl: undefined,
      dataDir: join(cwd, 'data'),
      logLevel: 'info',
      workerConcurrency: 200,
      workerGroups: undefined,
      drainMs: 20_000,
      maxBodyBytes: 33_554_432,
      strictNames: false,
    });
  });

  it('are read, the command line first', () => {
    const env = {
      PORT: '1',
      SLUICE_DATA_DIR: 'd',
      SLUICE_WORKER_CONCURRENCY: '5',
      LOG_LEVEL: 'WARN',
      SLUICE_HOST: '127.0.0.1',
    };
    expect(load(env)).toMatchObject({
      port: 1,
      dataDir: join(cwd, 'd'),
      workerConcurrency: 5,
      logLevel: 'warn',
      host: '127.0.0.1',
    });
    expect(load(env, { port: '0', data: '/e', concurrency: '6', groups: 'gpt-4o' })).toMatchObject({
      port: 0,
      dataDir: '/e',
      workerConcurrency: 6,
      workerGroups: ['gpt-4o'],
    });
  });

  it('are refused with a sentence each, all at once', () => {
    const env = { PORT: 'http', SLUICE_WORKER_CONCURRENCY: '0', LOG_LEVEL: 'loud' };
    expect(refusal(() => load(env, { groups: 'gpt-4' })).message.split('\n')).toEqual([
      'PORT must be a whole number from 0 to 65535, but is "http".',
      'LOG_LEVEL must be one of fatal, error, warn, info, debug, trace, silent, but is "loud".',
      'SLUICE_WORKER_CONCURRENCY must be a whole number from 1 to 10000, but is "0".',
      '--groups names "gpt-4", and there is no such model group (nearest: gpt-4o).',
    ]);
  });

  it.each<[Record<string, string>, string, string | undefined]>([
    [{}, '', undefined],
    [{ REDIS_URL: 'redis://a' }, 'router_settings: {redis_host: b}', 'redis://a'],
    [{ REDIS_URL: '/run/redis.sock' }, '', '/run/redis.sock'],
    [
      { REDIS_HOST: 'c' },
      'router_settings: {redis_host: b, redis_port: 7, redis_password: "p:/@"}',
      'redis://:p%3A%2F%40@b:7',
    ],
    [{ REDIS_HOST: 'c', REDIS_PORT: '8', REDIS_PASSWORD: 'p' }, '', 'redis://:p@c:8'],
    [{ REDIS_HOST: '::1' }, '', 'redis://[::1]:6379'],
    [{}, 'router_settings: {redis_host: os.environ/NONE}', undefined],
    [{}, 'router_settings: {redis_host: b, redis_db: 3}', 'redis://b:6379/3'],
    [{}, 'environment_variables: {REDIS_HOST: e}', 'redis://e:6379'],
  ])('Redis: %j and "%s"', (env, rest, redisUrl) => {
    expect(load(env, {}, rest).redisUrl).toBe(redisUrl);
  });

  it.each<[Record<string, string>, string, string | undefined]>([
    [{}, '', undefined],
    [{ DATABASE_URL: 'postgres://a' }, 'general_settings: {database_url: "postgresql://b"}', 'postgres://a'],
    [{ X: 'postgresql://b' }, 'general_settings: {database_url: os.environ/X}', 'postgresql://b'],
    [{ DATABASE_URL: '' }, 'general_settings: {database_url: os.environ/NONE}', undefined],
  ])('the database: %j and "%s"', (env, rest, databaseUrl) => {
    expect(load(env, {}, rest).databaseUrl).toBe(databaseUrl);
  });

  it.each([
    [undefined, ['inference', 'webhooks', 'batches', 'ledger']],
    ['ledger, inference', ['inference', 'ledger']],
  ])('roles: %j', (roles, read) => {
    expect(load({}, roles === undefined ? {} : { roles }).workerRoles).toEqual(read);
  });

  it.each(['', 'ledger,cleaning'])('roles: %j is refused', (roles) => {
    expect(refusal(() => load({}, { roles })).message).toMatch(
      /^--roles must name some of inference, webhooks, batches/,
    );
  });

  it('a database of another kind is refused, and not shown', () => {
    const { message } = refusal(() => load({ DATABASE_URL: 'mysql://u:secret@h/x' }));
    expect(message).toBe('DATABASE_URL must be a postgresql:// address.');
  });

  it('set_verbose asks for debug logs, LOG_LEVEL decides', () => {
    const rest = 'litellm_settings: {set_verbose: true}\ngeneral_settings: {max_request_size_mb: 1}';
    expect(load({}, {}, rest)).toMatchObject({ logLevel: 'debug', maxBodyBytes: 1_048_576 });
    expect(load({ LOG_LEVEL: 'error' }, {}, rest).logLevel).toBe('error');
  });
});

describe('the master key', () => {
  const FROM_VARIABLE = 'general_settings:\n  master_key: os.environ/MK\n';

  it.each<[string, Record<string, string>, string, string | undefined]>([
    ['is not needed when nobody names one', {}, '', undefined],
    ['comes from the file', { LITELLM_MASTER_KEY: 'env' }, 'general_settings: {master_key: file}', 'file'],
    ['comes from LITELLM_MASTER_KEY', { LITELLM_MASTER_KEY: 'env' }, '', 'env'],
    [
      'comes from LITELLM_MASTER_KEY when its own variable is unset',
      { LITELLM_MASTER_KEY: 'env' },
      FROM_VARIABLE,
      'env',
    ],
    ['comes from its variable', { MK: 'mine' }, FROM_VARIABLE, 'mine'],
  ])('%s', (_, env, rest, masterKey) => {
    expect(load(env, {}, rest)).toMatchObject({ masterKey, masterKeyIsGenerated: false });
  });

  it('whose variable is unset is made once, and kept for its owner only', () => {
    const first = load({}, {}, FROM_VARIABLE);
    expect(first.masterKey).toMatch(/^sk-[\w-]{43}$/);
    expect(first.masterKeyIsGenerated).toBe(true);
    expect(load({}, {}, FROM_VARIABLE).masterKey).toBe(first.masterKey);
    expect(readdirSync(join(cwd, 'data'))).toEqual(['master-key']);
    const path = join(cwd, 'data', 'master-key');
    expect(readFileSync(path, 'utf8').trim()).toBe(first.masterKey);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(first.report.noEffect).toMatchObject([{ line: 3, path: 'general_settings.master_key' }]);
  });

  it('whose variable is unset stops the start when others share the Redis', () => {
    expect(refusal(() => load({ REDIS_URL: 'redis://a' }, {}, FROM_VARIABLE)).message).toBe(
      'demonstration:3 general_settings.master_key: environment variable MK is not set, and processes that share a Redis need the same key (set MK)',
    );
  });

  it('is not made for a configuration that is refused', () => {
    refusal(() => load({}, {}, `${FROM_VARIABLE}router_settings: {timeout: x}`));
    expect(readdirSync(cwd)).toEqual([]);
  });

  it('that cannot be kept stops the start', () => {
    writeFileSync(join(cwd, 'data'), 'a file where the folder should be');
    expect(refusal(() => load({}, {}, FROM_VARIABLE)).message).toMatch(
      /^The data folder .* cannot keep the master key \(E/,
    );
  });
});

describe('what is not kept', () => {
  const BUDGET = 'litellm_settings:\n  max_budget: 1\n  guardrails: [{guardrail_name: a}]\n';

  it('stops the start, a line each', () => {
    expect(refusal(() => load({}, {}, BUDGET)).message.split('\n')).toEqual([
      'demonstration:3 litellm_settings.max_budget: not in this version yet',
      'demonstration:4 litellm_settings.guardrails: not in this version yet',
      '2 settings above would not be kept: remove them, or start with --allow-unsupported to go on without.',
    ]);
  });

  it('does not with --allow-unsupported, and is told', () => {
    const text = formatReport(load({}, { allowUnsupported: true }, BUDGET).report);
    expect(text).toContain(
      'Unsupported, and calls would be served otherwise than written (remove, or --allow-unsupported):\n  demonstration:3 litellm_settings.max_budget',
    );
    expect(text).not.toContain('guardrail_name'); // said by its list
    expect(text).toMatch(/^Configuration: .*, 2 unsupported\.$/m);
  });

  it('does not hide errors', () => {
    const message = refusal(() =>
      load({}, { allowUnsupported: true }, `${BUDGET}router_settings: {timeout: x}`),
    ).message;
    expect(message).toMatch(
      /^demonstration:5 router_settings.timeout: must be a number of seconds.*, but is a string$/,
    );
  });
});

describe('settings', () => {
  it('are frozen, deep down', () => {
    const { models, policy } = load();
    expect(Object.isFrozen(policy)).toBe(true);
    expect(
      [...models.deployments.values()].every((d) => Object.isFrozen(d) && Object.isFrozen(d.target.extraBody)),
    ).toBe(true);
  });
});
