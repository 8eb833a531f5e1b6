import { mockOf, MOCK_TIMEOUT, type Deployment, type Mock, type ProviderTarget } from '@sluice/core';
import { CHAT_PARAMETERS } from '../known-keys.js';
import type { Section } from '../section.js';
import { plainValueOf, type Place } from '../yaml/node.js';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface ReadTarget {
  readonly target: ProviderTarget;
  /** Why the deployment cannot be called; absent: it can. */
  readonly disabled: string | undefined;
}

interface ProviderDefaults {
  readonly baseUrl: string | undefined;
  readonly baseVariables: readonly string[];
  readonly keyVariables: readonly string[];
}

/** What LiteLLM falls back to when a deployment does not say. */
const DEFAULTS: Readonly<Record<Deployment['provider'], ProviderDefaults>> = {
  openai: {
    baseUrl: 'https://api.openai.com/v1',
    baseVariables: ['OPENAI_BASE_URL', 'OPENAI_API_BASE'],
    keyVariables: ['OPENAI_API_KEY'],
  },
  azure: { baseUrl: undefined, baseVariables: ['AZURE_API_BASE'], keyVariables: ['AZURE_API_KEY'] },
  anthropic: {
    baseUrl: 'https://api.anthropic.com',
    baseVariables: ['ANTHROPIC_API_BASE', 'ANTHROPIC_BASE_URL'],
    keyVariables: ['ANTHROPIC_API_KEY'],
  },
};
const DEFAULT_PARAMETERS = CHAT_PARAMETERS.split(/\s+/);
const ENTRA = ['tenant_id', 'client_id', 'client_secret', 'azure_scope'];

/**
 * Where a deployment's calls go, and with what. One that has no key is disabled, not an error: the others of its group
 * serve. So is one whose written `api_base` is unset: its prompts and key must not go to the provider's default instead.
 * @param dropParams what the router says, for a deployment that does not
 */
export function readTarget(
  provider: Deployment['provider'],
  params: Section,
  env: Environment,
  organization: string | undefined,
  dropParams: boolean,
): ReadTarget {
  const reasons: string[] = [];
  const baseUrl = readBaseUrl(provider, params, env, reasons);
  const azureAdToken = provider === 'azure' ? readAdToken(params, env) : undefined;
  const apiKey = readApiKey(provider, params, env, azureAdToken, reasons);
  for (const key of ENTRA) {
    const node = params.map.entries.get(key);
    if (node === undefined) continue;
    const isNeeded = provider === 'azure' && apiKey === undefined && azureAdToken === undefined;
    if (isNeeded)
      params.book.blocking(
        node.place,
        'signing in to Entra is not in this version yet',
        'use api_key or azure_ad_token',
      );
    else params.book.noEffect(node.place, provider === 'azure' ? 'the key or token is used instead' : 'only for azure');
  }
  const mock = readMock(params);
  return {
    disabled: mock === undefined ? reasons[0] : undefined,
    target: {
      baseUrl,
      apiKey,
      apiVersion:
        params.string('api_version') ?? (provider === 'azure' ? env.AZURE_API_VERSION || undefined : undefined),
      azureAdToken,
      organization,
      extraHeaders: readHeaders(params),
      extraBody: params.plain('extra_body') ?? {},
      defaults: readDefaults(params),
      dropParams: params.flag('drop_params') ?? dropParams,
      additionalDropParams: params.strings('additional_drop_params') ?? [],
      allowedOpenaiParams: params.strings('allowed_openai_params') ?? [],
      mock,
    },
  };
}

/** Played instead of a call: it needs neither key nor address. */
function readMock(params: Section): Mock | undefined {
  const delayMs = params.seconds('mock_delay', { zero: 'allowed' }) ?? 0;
  const response = params.string('mock_response');
  if (params.flag('mock_timeout') === true) return MOCK_TIMEOUT;
  return response === undefined ? undefined : mockOf(response, delayMs);
}

function readBaseUrl(provider: Deployment['provider'], params: Section, env: Environment, reasons: string[]): string {
  const { baseUrl, baseVariables } = DEFAULTS[provider];
  const key = params.has('api_base') ? 'api_base' : 'base_url';
  const written = params.map.entries.get(key);
  if (params.has('api_base') && params.has('base_url')) {
    params.book.noEffect(params.map.entries.get('base_url')!.place, 'api_base beats it');
  }
  const fromEnvironment = firstSet(baseVariables, env);
  const found = params.string(key) ?? fromEnvironment?.value;
  if (found === undefined) {
    if (written?.kind === 'unset') {
      const others = baseVariables.filter((name) => name !== written.variable).join(' and ');
      if (provider === 'azure') {
        params.book.error(
          written.place,
          'string',
          `environment variable ${written.variable} is not set${others === '' ? '' : `, nor is ${others}`}`,
          `set ${written.variable}`,
        );
      } else {
        reasons.push(`${key}: environment variable ${written.variable} is not set`);
        params.book.noEffect(
          written.place,
          `environment variable ${written.variable} is not set: the deployment takes no calls`,
          `set ${written.variable}`,
        );
      }
      return '';
    }
    if (baseUrl !== undefined) return baseUrl;
    params.book.error(
      params.place,
      'map',
      'api_base is missing',
      `write the resource's address, or set ${baseVariables.join(' or ')}`,
    );
    return '';
  }
  const problem = problemOfUrl(found);
  if (problem === undefined) return found.trim().replace(/\/+$/, '');
  if (written !== undefined && written.kind !== 'unset') params.book.error(written.place, 'string', problem);
  else params.book.error(params.place, 'map', `${fromEnvironment?.name} ${problem}`);
  return '';
}

/** Never repeats the address: people put credentials into it. */
function problemOfUrl(text: string): string | undefined {
  const url = URL.parse(text.trim());
  if (url === null) return 'must be an http or https address, but is not an address';
  return url.protocol === 'http:' || url.protocol === 'https:'
    ? undefined
    : 'must be an http or https address, but has another scheme';
}

function readAdToken(params: Section, env: Environment): string | undefined {
  const token = secret(params, 'azure_ad_token');
  if (token !== undefined) return token;
  const fromEnvironment = env.AZURE_AD_TOKEN;
  return fromEnvironment ? checkedSecret(fromEnvironment, 'AZURE_AD_TOKEN', params, params.place) : undefined;
}

function readApiKey(
  provider: Deployment['provider'],
  params: Section,
  env: Environment,
  azureAdToken: string | undefined,
  reasons: string[],
): string | undefined {
  const { book } = params;
  const written = params.map.entries.get('api_key');
  const variables = DEFAULTS[provider].keyVariables;
  const own = firstSet(variables, env);
  const key = secret(params, 'api_key') ?? (own && checkedSecret(own.value, own.name, params, params.place));
  if (written?.kind === 'unset') {
    const reason = `environment variable ${written.variable} is not set`;
    if (key !== undefined) book.noEffect(written.place, `${reason}: ${own?.name} is used`);
    else if (azureAdToken !== undefined) book.noEffect(written.place, `${reason}: azure_ad_token is used`);
    else {
      reasons.push(`api_key: ${reason}`);
      book.noEffect(written.place, `${reason}: the deployment takes no calls`, `set ${written.variable}`);
    }
    return key;
  }
  // An own server (vLLM, llama.cpp) often wants no key; the vendors always do.
  const isOwnServer = provider === 'openai' && (params.has('api_base') || params.has('base_url'));
  if (key === undefined && azureAdToken === undefined && !isOwnServer) {
    reasons.push(`api_key: none is written, and ${variables.join(', ')} is not set`);
  }
  return key;
}

/** A key or token as written. `oidc/…` names a secret, and nothing here can look it up. */
function secret(params: Section, key: string): string | undefined {
  const node = params.map.entries.get(key);
  if (node === undefined) return undefined;
  if (node.kind === 'unset') return undefined; // the caller says what follows from it
  const text = params.string(key);
  if (text === '') params.book.noEffect(node.place, 'is empty: taken as absent');
  if (text === undefined || text === '') return undefined;
  if (text.startsWith('oidc/')) {
    params.book.blocking(node.place, 'secrets from OIDC are not supported', 'use os.environ/NAME');
  }
  return checkedSecret(text, '', params, node.place);
}

/** Without the line end that secret files often have. */
function checkedSecret(text: string, variable: string, { book }: Section, place: Place): string | undefined {
  const trimmed = text.trim();
  if (/^[\x21-\x7e]+$/.test(trimmed)) return trimmed;
  const subject = variable === '' ? '' : `${variable} `;
  book.error(place, 'string', `${subject}must be printable ASCII without spaces, since it is sent in a header`);
  return undefined;
}

function readHeaders(params: Section): Record<string, string> {
  const headers = params.texts('extra_headers') ?? {};
  const section = params.section('extra_headers');
  for (const [name, value] of Object.entries(headers)) {
    if (/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name) && /^[\t\x20-\x7e\x80-\xff]*$/.test(value)) continue;
    const node = section!.map.entries.get(name)!;
    params.book.error(
      node.place,
      'string',
      'must be a valid HTTP header, but has a character that headers may not have',
    );
  }
  return headers;
}

function readDefaults(params: Section): Record<string, unknown> {
  const defaults: Record<string, unknown> = {};
  for (const key of DEFAULT_PARAMETERS) {
    const node = params.has(key) ? params.node(key) : undefined;
    if (node !== undefined) defaults[key] = plainValueOf(node);
  }
  return defaults;
}

function firstSet(names: readonly string[], env: Environment): { name: string; value: string } | undefined {
  for (const name of names) {
    const value = env[name];
    if (value !== undefined && value !== '') return { name, value };
  }
  return undefined;
}
