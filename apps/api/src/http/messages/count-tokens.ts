import { readNeeds, resolveModel } from '@sluice/core';
import { unknownModel, type SubmitDeps } from '@sluice/pipeline';
import { countTextOf } from '@sluice/providers';
import type { ChatCompletionRequest } from '@sluice/wire';
import { ApiException } from '../api-error.js';

/** A tokenizer takes some 0.15 s for a MB, in which no other call goes on. */
const MOST_COUNTED_BYTES = 256 * 1024;

/**
 * How many tokens a call's input has: by the tokenizer of the model that the group's first deployment has, where it is known
 * (OpenAI's), else an estimate, mostly within 15 %. No provider is asked: a count must not use up what calls are limited by.
 * @throws 404 model_not_found
 */
export function countTokens(
  body: ChatCompletionRequest,
  bodyBytes: number,
  { models, isStrict }: Pick<SubmitDeps, 'models' | 'isStrict'>,
): number {
  const resolved = resolveModel(models, body.model, isStrict);
  if (resolved.kind === 'unknown') throw new ApiException(unknownModel(body.model, resolved.nearest));
  const [first] = resolved.kind === 'found' ? resolved.group.deployments : [];
  const isSmall = bodyBytes <= MOST_COUNTED_BYTES;
  return readNeeds(body, first && isSmall ? countTextOf(first) : undefined).inputTokens;
}
