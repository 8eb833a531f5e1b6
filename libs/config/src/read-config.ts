import type { ModelTable, RoutingPolicy } from '@sluice/core';
import { readModels, type ModelDefaults } from './models/read-models.js';
import { checkRouters } from './models/read-router.js';
import type { Environment } from './models/read-target.js';
import { readFiles, type ReadFiles } from './read-files.js';
import { readFilesPlace } from './read-files-place.js';
import type { S3Place } from './settings.js';
import { ReportBook } from './report-book.js';
import type { Report } from './report.js';
import { readAliases } from './routing/read-aliases.js';
import { withRoutingGroups } from './routing/read-routing-groups.js';
import { readPolicy } from './routing/read-policy.js';
import { readWebhooks, type WebhookSettings } from './read-webhooks.js';
import { Section } from './section.js';
import { placeDynamicKeys } from './dynamic-keys.js';
import { sortKeys } from './sort-keys.js';
import { typeOf, type Place, type YamlMap, type YamlNode } from './yaml/node.js';
import { resolveReferences } from './yaml/resolve-references.js';

export interface ConfigSource {
  readonly env: Environment;
  readonly cwd: string;
  readonly file?: string | undefined;
  /** YAML text instead of a file. Neither: a configuration without models. */
  readonly text?: string | undefined;
}

/** The master key as the file has it: `unset` names the variable that was to hold it. */
export type MasterKeySetting =
  | { readonly kind: 'none' }
  | { readonly kind: 'given'; readonly key: string }
  | { readonly kind: 'unset'; readonly variable: string; readonly place: Place };

export interface Config {
  readonly models: ModelTable;
  readonly policy: RoutingPolicy;
  readonly webhooks: WebhookSettings;
  readonly masterKey: MasterKeySetting;
  /** From `router_settings.redis_*`. */
  readonly redisUrl: string | undefined;
  /** `general_settings.database_url`. */
  readonly databaseUrl: string | undefined;
  /** `sluice.files.s3`. */
  readonly filesInS3: S3Place | undefined;
  /** `sluice.strict`: patterns match whole names. */
  readonly strict: boolean;
  /** `sluice.durability`. */
  readonly durability: 'everysec' | 'strict';
  readonly maxBodyBytes: number | undefined;
  /** `litellm_settings.set_verbose`. */
  readonly isVerbose: boolean;
  /** The process's environment with the file's `environment_variables` over it. */
  readonly env: Environment;
  readonly report: Report;
  readonly isUnreadable: boolean;
  /** As in `ReadFiles`. */
  readonly paths: readonly string[];
  readonly hash: string;
}

/**
 * Reads a `config.yaml`, with what it includes, into what Sluice runs on. Reads files and nothing else: no environment of
 * its own, nothing written. Never throws for a bad file: all that is wrong with it is in `report.errors`.
 */
export function readConfig(source: ConfigSource): Config {
  const book = new ReportBook();
  const files = filesOf(source, book);
  const raw = files.root ?? EMPTY;
  const env = withFileVariables(raw, source.env, book);
  const root = resolveReferences(raw, env, (node, variable) => book.unsetVariable(node.place, variable)) as YamlMap;
  const read = readRoot(new Section(root, book), env);
  for (const written of files.written) sortRepeated(written, book);
  const { isUnreadable, paths, hash } = files;
  return { ...read, env, report: book.close(files.written), isUnreadable, paths, hash };
}

function filesOf({ file, text, cwd }: ConfigSource, book: ReportBook): ReadFiles {
  if (text !== undefined) return readFiles({ text, name: TEXT_NAME }, cwd, book);
  if (file !== undefined) return readFiles({ path: file }, cwd, book);
  return { root: undefined, written: [], isUnreadable: false, paths: [], hash: '' };
}

/** What rows and errors call the text that stands for a file. */
const TEXT_NAME = 'demonstration';
const EMPTY: YamlMap = {
  kind: 'map',
  place: { file: '', line: 0, path: '' },
  entries: new Map(),
  repeated: [],
};

function readRoot(root: Section, env: Environment): Omit<Config, 'env' | 'report' | 'isUnreadable' | 'paths' | 'hash'> {
  sortKeys('top', root.map, root.book);
  const sorted = (key: string, name: 'litellm' | 'router' | 'general' | 'sluice'): Section | undefined => {
    const section = root.section(key);
    if (section !== undefined) sortKeys(name, section.map, root.book);
    return section;
  };
  const litellm = sorted('litellm_settings', 'litellm');
  const router = sorted('router_settings', 'router');
  const general = sorted('general_settings', 'general');
  const sluice = sorted('sluice', 'sluice');
  placeDynamicKeys({ litellm });
  const strict = sluice?.flag('strict') ?? false;
  const { groups, deployments, routers } = readModels(root, modelDefaults(router, litellm, sluice), env);
  if (groups.size === 0 && root.place.line > 0 && !root.book.hasErrors) {
    root.book.error(root.place, typeOf(root.map), 'model_list is missing or empty', 'add a model to it');
  }
  const models = withRoutingGroups(router, readAliases(router, groups, deployments, routers, strict));
  checkRouters(routers, models, root.book, strict);
  const megabytes = general?.number('max_request_size_mb', 0.001);
  return {
    models,
    strict,
    durability: sluice?.word('durability', ['everysec', 'strict']) ?? 'everysec',
    policy: readPolicy({ router, litellm, sluice }, models, strict),
    webhooks: readWebhooks(sluice),
    masterKey: readMasterKey(general),
    redisUrl: readRedisUrl(router),
    databaseUrl: readDatabaseUrl(general),
    filesInS3: readFilesPlace(sluice),
    maxBodyBytes: megabytes && Math.round(megabytes * 1024 * 1024),
    isVerbose: litellm?.flag('set_verbose') ?? false,
  };
}

function modelDefaults(
  router: Section | undefined,
  litellm: Section | undefined,
  sluice: Section | undefined,
): ModelDefaults {
  const params = router?.section('default_litellm_params');
  if (params !== undefined) sortKeys('litellmParams', params.map, params.book);
  return {
    params: params?.map,
    dropParams: litellm?.flag('drop_params') ?? false,
    filtersTags: isOn(router?.map.entries.get('enable_tag_filtering')),
    maxParallel: router?.wholeNumber('default_max_parallel_requests', 1),
    limitsAreWeights: sluice?.word('deployment_limits', ['hard', 'weights']) === 'weights',
  };
}

/** Read, and told when it is no flag, with the policy. */
const isOn = (node: YamlNode | undefined): boolean => node?.kind === 'scalar' && node.value === true;

function readMasterKey(general: Section | undefined): MasterKeySetting {
  const node = general?.map.entries.get('master_key');
  if (node?.kind === 'unset') {
    const other = node.variable === 'LITELLM_MASTER_KEY' ? '' : 'LITELLM_MASTER_KEY is taken, and without it ';
    const reason = `environment variable ${node.variable} is not set: ${other}a key is made and shown at start, or, with a Redis of your own, nothing starts`;
    general!.book.noEffect(node.place, reason, `set ${node.variable}`);
    return { kind: 'unset', variable: node.variable, place: node.place };
  }
  const key = general?.string('master_key')?.trim();
  if (key === undefined) return { kind: 'none' };
  if (/^[\x21-\x7e]+$/.test(key)) return { kind: 'given', key };
  general!.wrong(node!, 'printable ASCII without spaces, since it is sent in a header', key === '' ? 'empty' : 'not');
  return { kind: 'none' };
}

function readRedisUrl(router: Section | undefined): string | undefined {
  const url = router?.string('redis_url');
  const host = router?.string('redis_host');
  const port = router?.wholeNumber('redis_port', 1) ?? 6379;
  const password = router?.string('redis_password');
  const db = router?.wholeNumber('redis_db');
  return url ?? (host === undefined ? undefined : redisUrlOf(host, port, password, db));
}

/** LiteLLM's Prisma takes `postgres://` and `postgresql://` too, and nothing else. */
function readDatabaseUrl(general: Section | undefined): string | undefined {
  const url = general?.string('database_url');
  if (url === undefined || url === '' || isPostgresUrl(url)) return url || undefined;
  general!.wrong(general!.node('database_url')!, 'a postgresql:// address', 'something else');
  return undefined;
}

export const isPostgresUrl = (url: string): boolean => /^postgres(?:ql)?:\/\//.test(url);

export function redisUrlOf(host: string, port: number | string, password: string | undefined, db = 0): string {
  const secret = password === undefined || password === '' ? '' : `:${encodeURIComponent(password)}@`;
  return `redis://${secret}${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${port}${db === 0 ? '' : `/${db}`}`;
}

/** `environment_variables` are set first, and win over the process's own, as in LiteLLM. */
function withFileVariables(raw: YamlMap, env: Environment, book: ReportBook): Environment {
  const node = raw.entries.get('environment_variables');
  if (node === undefined) return env;
  const own = resolveReferences(node, env, () => {});
  const top = new Section({ ...raw, entries: new Map([['environment_variables', own]]) }, book);
  return { ...env, ...top.texts('environment_variables') };
}

/** Keys written twice deeper down than a known section. */
function sortRepeated(map: YamlMap, book: ReportBook): void {
  const visit = (node: YamlNode): void => {
    if (node.kind === 'list') for (const item of node.items) visit(item);
    if (node.kind !== 'map') return;
    for (const child of node.entries.values()) visit(child);
    for (const dropped of node.repeated) {
      const last = [...node.entries.values()].find((kept) => kept.place.path === dropped.place.path);
      book.noEffect(
        dropped.place,
        `written again on line ${last?.place.line ?? 0}: the last one wins`,
        'remove one of them',
      );
    }
  };
  visit(map);
}
