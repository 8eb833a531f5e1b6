import type { Deployment } from '@sluice/core';
import type { PrefillForm } from '../adapter.js';

/** Servers of OpenAI's dialect that go on from a final assistant message. From the design's compatible-providers.json. */
const KNOWN: readonly (readonly [base: RegExp, form: PrefillForm])[] = [
  [/^https:\/\/(?:api|codestral)\.mistral\.ai\//, 'prefix'],
  [/^https:\/\/api\.deepseek\.com\/beta\b/, 'prefix'],
  [/^https:\/\/openrouter\.ai\//, 'plain'],
  [/^https:\/\/dashscope(?:-intl)?\.aliyuncs\.com\//, 'partial'],
  [/^https:\/\/api\.moonshot\.(?:ai|cn)\//, 'partial'],
];

/**
 * `model_info.supports_assistant_prefill` and the model map decide; else the server is known by its address. OpenAI itself
 * takes a final assistant message for one of the past, and answers anew.
 */
export function prefillFormOf({ supports, target }: Deployment): PrefillForm | undefined {
  const known = KNOWN.find(([base]) => base.test(target.baseUrl))?.[1];
  return (supports.prefill ?? known !== undefined) ? (known ?? 'plain') : undefined;
}
