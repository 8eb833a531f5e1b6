import {
  changeMembers,
  elementsAt,
  filterElements,
  removePath,
  valueAt,
  type Change,
  type Deployment,
} from '@sluice/core';
import { isOwnParam, type OwnCall } from '@sluice/wire';
import { recordOf } from '../provider-error.js';

/** Defaults of a deployment that Messages know by the same name. */
const SHARED_DEFAULTS = new Set(['max_tokens', 'temperature', 'top_p', 'top_k', 'thinking']);

/** A Messages call for a deployment that speaks Messages: the client's own bytes, with what is ours taken out. */
export function anthropicOwnBody(own: OwnCall, { target, model }: Deployment): string {
  const { body } = own;
  const changes = new Map<string, Change>();
  for (const name in body) if (isOwnParam(name)) changes.set(name, 'remove');
  const metadata = recordOf(body['metadata']);
  if (metadata !== undefined && Object.keys(metadata).some((name) => name !== 'user_id')) {
    const { user_id: user } = metadata; // the rest is LiteLLM's, and Anthropic refuses it
    changes.set('metadata', user === undefined ? 'remove' : { value: JSON.stringify({ user_id: user }) });
  }
  for (const name in target.defaults) {
    if (body[name] === undefined && SHARED_DEFAULTS.has(name))
      changes.set(name, { value: JSON.stringify(target.defaults[name]) });
  }
  changes.set('model', { value: JSON.stringify(model) });
  let text = withoutUnsignedThoughts(changeMembers(own.source, changes), body);
  for (const path of target.additionalDropParams) text = removePath(text, path);
  const extra = Object.entries(target.extraBody).map(
    ([name, value]) => [name, { value: JSON.stringify(value) }] as const,
  );
  return extra.length === 0 ? text : changeMembers(text, new Map(extra));
}

/** Thoughts of other vendors' models came without a signature, and Anthropic refuses them so. */
function withoutUnsignedThoughts(text: string, { messages }: OwnCall['body']): string {
  const isUnsigned = (block: unknown): boolean => {
    const { type, signature } = recordOf(block) ?? {};
    return type === 'thinking' && (signature === '' || signature === undefined);
  };
  return (messages as readonly unknown[]).reduceRight<string>((edited, each, i) => {
    const content = recordOf(each)?.['content'];
    if (!Array.isArray(content) || !content.some(isUnsigned)) return edited;
    const list = valueAt(edited, ['messages']);
    const message = list === undefined ? undefined : elementsAt(edited, list)[i];
    const at = message && valueAt(edited, ['content'], message.start);
    const isAll = content.every(isUnsigned); // an empty turn is refused too: better the thought
    return at === undefined || isAll ? edited : filterElements(edited, at, (index) => !isUnsigned(content[index]));
  }, text);
}
