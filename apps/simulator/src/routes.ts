import { anthropic, anthropicCount } from './formats/anthropic.js';
import { azure } from './formats/azure.js';
import { completionsOf } from './formats/completions.js';
import { embeddingsOf, moderationsOf } from './formats/inputs.js';
import type { Format } from './formats/format.js';
import { openai } from './formats/openai.js';

/** Where a call goes. */
export interface Route {
  profile: string | null;
  /** Without the profile and the query. */
  path: string;
  /** The same with /v1 in front where that was left out: rules may name either. */
  canonical: string;
  query: string;
  format: Format;
  what: 'chat' | 'models' | 'hook' | 'unknown';
  /** From the path: Azure's deployment, or the model that is looked up. */
  model: string | null;
}

const both = (path: string, formatOf: (format: Format) => Format): Record<string, Format> => ({
  [`/v1${path}`]: formatOf(openai),
  [path]: formatOf(openai),
  [`/openai/v1${path}`]: formatOf(azure),
});

/** Without /v1 where a base URL may end in it or not. */
const CHAT_FORMATS: Record<string, Format> = {
  '/v1/chat/completions': openai,
  '/chat/completions': openai,
  '/openai/v1/chat/completions': azure,
  '/v1/messages': anthropic,
  '/messages': anthropic,
  '/anthropic/v1/messages': anthropic,
  '/v1/messages/count_tokens': anthropicCount,
  ...both('/completions', completionsOf),
  ...both('/embeddings', embeddingsOf),
  ...both('/moderations', moderationsOf),
};
/** Azure's, by what follows the deployment. */
const DEPLOYMENT_FORMATS: Record<string, Format> = {
  '/chat/completions': azure,
  '/completions': completionsOf(azure),
  '/embeddings': embeddingsOf(azure),
};
const DEPLOYMENT = /^\/openai\/deployments\/([^/]+)(\/.+)$/;
/** Takes webhooks. */
const HOOK = /^\/hook\/[^/]+$/;
const MODELS = /^(\/openai)?(?:\/v1)?\/models(?:\/(.+))?$/;

/** `isAnthropic`: the call has an anthropic-version, which is how GET /v1/models tells whose list is meant. */
export function routeOf(url: string, isAnthropic: boolean): Route {
  const mark = url.indexOf('?');
  const query = mark === -1 ? '' : url.slice(mark + 1);
  const { profile, path } = withoutProfile(mark === -1 ? url : url.slice(0, mark));
  const route = { profile, path, canonical: path, query, model: null };

  const format = CHAT_FORMATS[path];
  if (format !== undefined) {
    const canonical = /^\/(?:v1|openai|anthropic)\//.test(path) ? path : `/v1${path}`;
    return { ...route, canonical, format, what: 'chat' };
  }
  const deployment = DEPLOYMENT.exec(path);
  const ofDeployment = DEPLOYMENT_FORMATS[deployment?.[2] ?? ''];
  // Azure knows no such resource without a version.
  if (deployment !== null && ofDeployment !== undefined && /(^|&)api-version=./.test(query)) {
    return { ...route, format: ofDeployment, what: 'chat', model: decoded(deployment[1]!) };
  }
  const models = MODELS.exec(path);
  if (models !== null) {
    const owner = models[1] === undefined ? (isAnthropic ? anthropic : openai) : azure;
    const canonical = path.startsWith('/models') ? `/v1${path}` : path;
    return { ...route, canonical, format: owner, what: 'models', model: decoded(models[2] ?? '') };
  }
  if (HOOK.test(path)) return { ...route, format: openai, what: 'hook' };
  return { ...route, format: path.startsWith('/openai/') ? azure : isAnthropic ? anthropic : openai, what: 'unknown' };
}

function withoutProfile(path: string): { profile: string | null; path: string } {
  if (!path.startsWith('/@')) return { profile: null, path };
  const end = path.indexOf('/', 2);
  return end === -1
    ? { profile: decoded(path.slice(2)), path: '/' }
    : { profile: decoded(path.slice(2, end)), path: path.slice(end) };
}

/** A stray % is taken as it stands. */
export function decoded(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const LISTED = ['gpt-4o', 'gpt-4o-mini', 'claude-sonnet-4-5', 'claude-haiku-4-5'];
const LISTED_AT = 1_735_689_600;

/** GET /v1/models, and one of them: any name is served, so any name is found. */
export function modelsBody(format: Format, model: string): string {
  const shown = (id: string): unknown =>
    format.name === 'anthropic'
      ? { type: 'model', id, display_name: id, created_at: new Date(LISTED_AT * 1_000).toISOString() }
      : { id, object: 'model', created: LISTED_AT, owned_by: 'simulator' };
  if (model !== '') return JSON.stringify(shown(model));
  const data = LISTED.map(shown);
  if (format.name !== 'anthropic') return JSON.stringify({ object: 'list', data });
  return JSON.stringify({ data, has_more: false, first_id: LISTED[0], last_id: LISTED.at(-1) });
}
