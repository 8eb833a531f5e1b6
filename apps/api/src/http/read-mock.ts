import { mockOf, MOCK_TIMEOUT, type FailureKind, type Mock } from '@sluice/core';
import type { AskedBody } from '@sluice/wire';
import { apiError, type ApiException } from './api-error.js';

/** How the asked group fails without a call. */
const FLAGS: Readonly<Record<string, FailureKind>> = {
  mock_testing_fallbacks: 'server',
  mock_testing_context_window_fallbacks: 'context_length',
  mock_testing_content_policy_fallbacks: 'content_filter',
  mock_testing_rate_limit_error: 'rate_limit',
};
const LONGEST_DELAY_S = 600;

/**
 * LiteLLM's `mock_…` members: the first that asks for something. Source: LITELLM.md 6.
 * @param isAllowed else they are dropped, as LiteLLM does since 1.85
 * @throws 400 invalid_request
 */
export function readMock(body: AskedBody, isAllowed: boolean): Mock | undefined {
  if (!isAllowed || !hasMocks(body)) return undefined;
  const delayMs = delay(body) * 1_000;
  for (const [flag, fails] of Object.entries(FLAGS)) if (isSet(body, flag)) return { delayMs, fails };
  if (isSet(body, 'mock_timeout')) return MOCK_TIMEOUT;
  const response = body['mock_response'];
  if (response === undefined || response === null) return undefined;
  if (typeof response !== 'string') throw wrong('mock_response', 'a string');
  return mockOf(response, delayMs);
}

function hasMocks(body: AskedBody): boolean {
  for (const name in body) if (name.startsWith('mock_')) return true;
  return false;
}

function isSet(body: AskedBody, flag: string): boolean {
  const value = body[flag];
  if (value === undefined || value === null || typeof value === 'boolean') return value === true;
  throw wrong(flag, 'true or false');
}

function delay(body: AskedBody): number {
  const seconds = body['mock_delay'] ?? 0;
  if (typeof seconds === 'number' && seconds >= 0 && seconds <= LONGEST_DELAY_S) return seconds;
  throw wrong('mock_delay', `a number of seconds from 0 to ${LONGEST_DELAY_S}`);
}

const wrong = (member: string, expected: string): ApiException =>
  apiError('invalid_request', `${member} must be ${expected}.`, member);
