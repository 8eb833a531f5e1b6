import { expect, it } from '@jest/globals';
import { usageBody } from './usage-body.js';

const USAGE = { prompt: 10, completion: 4, cached: 3, cacheWrite: 0, reasoning: 1 };

it('adds up, and names what a cache took only where it took some', () => {
  expect(usageBody(USAGE)).toEqual({
    prompt_tokens: 10,
    completion_tokens: 4,
    total_tokens: 14,
    prompt_tokens_details: { cached_tokens: 3 },
    completion_tokens_details: { reasoning_tokens: 1 },
  });
  expect(usageBody({ ...USAGE, cacheWrite: 5 })).toMatchObject({
    prompt_tokens_details: { cached_tokens: 3, cache_write_tokens: 5 },
  });
});
