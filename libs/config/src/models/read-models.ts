import type { Deployment, ModelGroup } from '@sluice/core';
import { firstOf, Section } from '../section.js';
import { readAllowedFailsPolicy } from '../routing/read-allowed-fails.js';
import { readOwnBudget } from '../routing/read-budgets.js';
import { sortKeys } from '../sort-keys.js';
import { typeOf, type Place, type YamlMap, type YamlNode } from '../yaml/node.js';
import { echoedInfo } from './echoed-info.js';
import { hashedId, IdBook } from './deployment-id.js';
import { refuseLostAddress } from './lost-address.js';
import { providerOfModel } from './provider-of-model.js';
import { isRouter, readRouter, type WrittenRouter } from './read-router.js';
import { readFacts } from './read-facts.js';
import { readTarget, type Environment } from './read-target.js';

export interface ModelDefaults {
  /** `default_litellm_params`: for what a deployment does not say. */
  readonly params: YamlMap | undefined;
  readonly dropParams: boolean;
  /** `enable_tag_filtering` */
  readonly filtersTags: boolean;
  readonly maxParallel: number | undefined;
  /** `sluice.deployment_limits: weights`: rpm and tpm only say how to share. */
  readonly limitsAreWeights: boolean;
}

export interface ReadModels {
  readonly groups: Map<string, ModelGroup>;
  readonly deployments: Map<string, Deployment>;
  readonly routers: Map<string, WrittenRouter>;
}

/** Said once for all of them at start. */
const HARD_LIMIT = 'a hard limit for the cluster (LiteLLM: a weight)';

/** `model_list`: one deployment per entry and organization, grouped by `model_name`. */
export function readModels(root: Section, defaults: ModelDefaults, env: Environment): ReadModels {
  const credentials = readCredentials(root);
  const ids = new IdBook(root.book);
  const byGroup = new Map<string, { place: Place; deployments: Deployment[] }>();
  const routers = new Map<string, WrittenRouter>();
  for (const entry of root.sections('model_list')) {
    if (isRouter(entry)) {
      readRouter(entry, routers);
      continue;
    }
    const read = readEntry(entry, credentials, defaults, env, ids);
    const [first] = read;
    if (first === undefined) continue;
    const group = byGroup.get(first.group) ?? { place: entry.map.entries.get('model_name')!.place, deployments: [] };
    group.deployments.push(...read);
    byGroup.set(first.group, group);
  }
  const groups = new Map<string, ModelGroup>();
  const deployments = new Map<string, Deployment>();
  for (const [name, { place, deployments: own }] of byGroup) {
    const members = defaults.limitsAreWeights ? withLimitsAsWeights(own) : own;
    const reasons = members.map(({ disabled }) => disabled);
    if (!reasons.includes(undefined)) {
      root.book.error(
        place,
        'string',
        `no deployment of "${name}" can be called: ${[...new Set(reasons)].join('; ')}`,
        'set the variable, or remove the deployment',
      );
    }
    groups.set(name, { name, deployments: members, entries: undefined });
    for (const deployment of members) deployments.set(deployment.id, deployment);
  }
  for (const [name, { place }] of routers) {
    if (groups.has(name))
      root.book.error(place, 'string', `"${name}" is a model group as well`, 'give the router a name of its own');
  }
  return { groups, deployments, routers };
}

function readEntry(
  entry: Section,
  credentials: ReadonlyMap<string, YamlMap>,
  defaults: ModelDefaults,
  env: Environment,
  ids: IdBook,
): Deployment[] {
  const { book } = entry;
  sortKeys('modelEntry', entry.map, book);
  const info = entry.section('model_info');
  if (info !== undefined) sortKeys('modelInfo', info.map, book);
  const group = required(entry, 'model_name');
  const own = entry.section('litellm_params');
  if (own === undefined) {
    if (entry.map.entries.get('litellm_params')?.kind !== 'scalar') missing(entry, 'litellm_params');
    return [];
  }
  sortKeys('litellmParams', own.map, book);
  const params = withDefaults(own, credentials, defaults.params);
  refuseLostAddress(params, [entry, info]);
  const written = required(params, 'model');
  if (group === undefined || written === undefined) return [];
  const named = providerOfModel(written, params.string('custom_llm_provider'));
  if (named.kind === 'refused') {
    book.error(params.map.entries.get('model')!.place, 'string', named.reason, named.advice);
    return [];
  }
  const { provider, model } = named;
  const fullModel = `${provider}/${model}`;
  const limit = (key: 'rpm' | 'tpm'): number | undefined =>
    firstOf(
      [entry, params, info].map((section) => [section, key] as const),
      (section) => section.wholeNumber(key, 1),
    );
  const organizations = readOrganizations(params);
  const baseId = ids.of(info, hashedId(group, fullModel, params.map));
  const which = { provider, fullModel, baseModel: info?.string('base_model') };
  const facts = readFacts(which, params, info);
  const ownBudget = readOwnBudget(params, { ...which, ...facts });
  const shared = {
    group,
    model,
    ...which,
    ...facts,
    ...(ownBudget === undefined ? {} : { ownBudget }),
    tags: params.strings('tags') ?? [],
    region: params.string('region_name'),
    order: params.wholeNumber('order') ?? 1,
    weight: params.number('weight'),
    rpm: limit('rpm'),
    tpm: limit('tpm'),
    maxParallel: params.wholeNumber('max_parallel_requests', 1) ?? defaults.maxParallel,
    timeoutMs: firstOf([[params, 'timeout'] as const, [params, 'request_timeout'] as const], (section, key) =>
      section.seconds(key, { zero: 'refused' }),
    ),
    streamTimeoutMs: params.seconds('stream_timeout', { zero: 'refused' }),
    numRetries: params.wholeNumber('num_retries'),
    cooldownMs: firstOf(
      [params, info].map((section) => [section, 'cooldown_time'] as const),
      (section, key) => section.seconds(key, { zero: 'allowed' }),
    ),
    allowedFails: info?.wholeNumber('allowed_fails'),
    allowedFailsPolicy: readAllowedFailsPolicy(info),
    info: info === undefined ? {} : echoedInfo(info.map),
  };
  const byAgent = params.map.entries.get('tag_regex');
  if (byAgent !== undefined && defaults.filtersTags) {
    const advice = 'use tags, and let clients send them in x-litellm-tags';
    book.blocking(byAgent.place, 'deployments chosen by the User-Agent of a call are not in this version yet', advice);
  }
  for (const section of [entry, params, info]) tellHardLimits(section, defaults.limitsAreWeights);
  const elsewhere = readEnvironments(info, env);
  return organizations.map((organization, i) => {
    const { target, disabled } = readTarget(provider, params, env, organization, defaults.dropParams);
    const id = organizations.length === 1 ? baseId : ids.claim(`${baseId}-${i + 1}`);
    return { id, ...shared, target, disabled: disabled ?? elsewhere };
  });
}

function tellHardLimits(section: Section | undefined, areWeights: boolean): void {
  for (const key of ['rpm', 'tpm', 'max_parallel_requests']) {
    const node = section?.map.entries.get(key);
    if (node === undefined) continue;
    if (areWeights && key !== 'max_parallel_requests') section!.book.applied(node.place, 'a weight only');
    else section!.book.applied(node.place, HARD_LIMIT);
  }
}

/** Own parameters win, then those of the named credential, then `default_litellm_params`. */
function withDefaults(own: Section, credentials: ReadonlyMap<string, YamlMap>, fallback: YamlMap | undefined): Section {
  const name = own.string('litellm_credential_name');
  const credential = name === undefined ? undefined : credentials.get(name);
  if (name !== undefined && credential === undefined) {
    own.book.error(
      own.map.entries.get('litellm_credential_name')!.place,
      'string',
      `names no entry of credential_list`,
    );
  }
  if (credential === undefined && fallback === undefined) return own;
  const entries = new Map<string, YamlNode>([
    ...(fallback?.entries ?? []),
    ...(credential?.entries ?? []),
    ...own.map.entries,
  ]);
  return new Section({ ...own.map, entries }, own.book);
}

function readCredentials(root: Section): Map<string, YamlMap> {
  const credentials = new Map<string, YamlMap>();
  for (const entry of root.sections('credential_list')) {
    sortKeys('credential', entry.map, root.book);
    const name = required(entry, 'credential_name');
    const values = entry.section('credential_values');
    if (values !== undefined) sortKeys('litellmParams', values.map, root.book);
    if (name !== undefined && values !== undefined) credentials.set(name, values.map);
  }
  return credentials;
}

function readOrganizations(params: Section): readonly (string | undefined)[] {
  const node = params.map.entries.get('organization');
  if (node?.kind !== 'list') return [params.string('organization')];
  const names = params.strings('organization') ?? [];
  return names.length === 0 ? [undefined] : names;
}

/** `supported_environments`: a deployment of another environment takes no calls here. */
function readEnvironments(info: Section | undefined, env: Environment): string | undefined {
  const supported = info?.strings('supported_environments');
  if (supported === undefined) return undefined;
  const current = env.LITELLM_ENVIRONMENT;
  if (current === undefined || current === '') {
    info!.book.error(
      info!.map.entries.get('supported_environments')!.place,
      'list',
      'needs the environment variable LITELLM_ENVIRONMENT, which is not set',
    );
    return undefined;
  }
  return supported.includes(current) ? undefined : `supported_environments does not hold "${current}"`;
}

/** Shares by weight, else rpm, else tpm, as simple-shuffle reads them; and no limit. */
function withLimitsAsWeights(members: readonly Deployment[]): Deployment[] {
  const by = (['weight', 'rpm', 'tpm'] as const).find((key) => members.some((member) => member[key] !== undefined));
  return members.map((member) => ({ ...member, weight: by && member[by], rpm: undefined, tpm: undefined }));
}

function required(section: Section, key: string): string | undefined {
  const node = section.map.entries.get(key);
  if (node === undefined || (node.kind === 'scalar' && node.value === null)) return missing(section, key);
  if (node.kind === 'unset') {
    section.book.error(
      node.place,
      'string',
      `environment variable ${node.variable} is not set`,
      `set ${node.variable}`,
    );
    return undefined;
  }
  const text = section.string(key);
  return text === '' ? section.wrong(node, 'a name', 'empty') : text;
}

function missing(section: Section, key: string): undefined {
  section.book.error(section.place, typeOf(section.map), `${key} is missing`);
  return undefined;
}
