import { changeMembers, removePath, type Change, type Deployment } from '@sluice/core';
import { isOwnParam, type OwnCall } from '@sluice/wire';
import { recordOf } from '../provider-error.js';

/** Defaults of a deployment are a chat's; of these endpoints only some have a meaning. */
const DEFAULTS_FOR: Readonly<Partial<Record<OwnCall['endpoint'], (name: string) => boolean>>> = {
  '/v1/completions': (name) => name !== 'response_format' && name !== 'reasoning_effort',
  '/v1/embeddings': (name) => name === 'dimensions' || name === 'encoding_format',
};

/** Completions, embeddings, moderations: the client's own bytes, edited by span as a chat's are. */
export function openaiOwnBody(own: OwnCall, { target, model }: Deployment, isStream: boolean): string {
  const { body, endpoint } = own;
  const changes = new Map<string, Change>();
  for (const name in body) if (isOwnParam(name)) changes.set(name, 'remove');
  for (const name in target.defaults) {
    if (body[name] === undefined && DEFAULTS_FOR[endpoint]?.(name) === true)
      changes.set(name, { value: JSON.stringify(target.defaults[name]) });
  }
  if (isStream) {
    const options = { ...recordOf(body['stream_options']), include_usage: true };
    changes.set('stream_options', { value: JSON.stringify(options) });
  }
  changes.set('model', { value: JSON.stringify(model) });
  let text = changeMembers(own.source, changes);
  for (const path of target.additionalDropParams) text = removePath(text, path);
  const extra = Object.entries(target.extraBody).map(
    ([name, value]) => [name, { value: JSON.stringify(value) }] as const,
  );
  return extra.length === 0 ? text : changeMembers(text, new Map(extra));
}
