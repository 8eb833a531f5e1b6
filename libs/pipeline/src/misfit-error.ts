import type { Misfit } from '@sluice/core';
import type { ApiError, ErrorCode } from '@sluice/wire';

/** Nobody may serve a call like this: what the caller asked for is what must change. */
export function misfitError(model: string, misfit: Misfit): ApiError {
  return { code: CODES[misfit.reason], message: misfitSentence(model, misfit) };
}

const CODES: Record<Misfit['reason'], ErrorCode> = {
  tag: 'no_matching_tag',
  region: 'invalid_request',
  context_window: 'context_length_exceeded',
  capability: 'invalid_request',
};

function misfitSentence(model: string, misfit: Misfit): string {
  switch (misfit.reason) {
    case 'tag':
      return `No deployment of "${model}" has the tags of this call. A call without tags goes to those tagged "default" or not at all.`;
    case 'region':
      return `No deployment of "${model}" is in the region that allowed_model_region names.`;
    case 'context_window': {
      const { tokens, windowTokens } = misfit;
      return `The messages are longer than any context window of "${model}": about ${tokens} tokens, and it takes ${windowTokens}.`;
    }
    case 'capability':
      return `No deployment of "${model}" can serve what the call asks for: ${CAPABILITY_WORDS[misfit.capability]}.`;
  }
}

const CAPABILITY_WORDS: Record<Extract<Misfit, { reason: 'capability' }>['capability'], string> = {
  vision: 'images',
  tools: 'tools',
  json_schema: 'an answer by a JSON schema',
  reasoning: 'reasoning',
  prefill: 'going on with a text of the assistant',
  pdf: 'files',
  audio: 'sounds',
  prompt_caching: 'prompt caching',
};
