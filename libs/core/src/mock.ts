import type { FailureKind } from './failure.js';

/** What is played in place of a provider's call, for who tests what stands before Sluice. */
export type Mock = { readonly delayMs: number } & ({ readonly answer: string } | { readonly fails: FailureKind });

/** LiteLLM's exceptions, which a `mock_response` may name instead of a text. */
const EXCEPTIONS: Readonly<Record<string, FailureKind>> = {
  'litellm.BadRequestError': 'bad_request',
  'litellm.AuthenticationError': 'auth',
  'litellm.NotFoundError': 'not_found',
  'litellm.RateLimitError': 'rate_limit',
  'litellm.Timeout': 'timeout',
  'litellm.ContextWindowExceededError': 'context_length',
  'litellm.ContentPolicyViolationError': 'content_filter',
  'litellm.InternalServerError': 'server',
  'litellm.ServiceUnavailableError': 'overloaded',
};

/** Never in a test's time: the attempt's own timeout ends it. */
const FOR_EVER_MS = 2 ** 31 - 1;

export function mockOf(response: string, delayMs: number): Mock {
  const fails = EXCEPTIONS[response];
  return fails === undefined ? { delayMs, answer: response } : { delayMs, fails };
}

/** `mock_timeout`. */
export const MOCK_TIMEOUT: Mock = { delayMs: FOR_EVER_MS, fails: 'timeout' };
