import { isEventPattern, WEBHOOK_EVENT_TYPES } from '@sluice/core';
import { isSecret, urlProblem, type AddressRules } from '@sluice/webhooks';
import { apiError } from '../api-error.js';

const MOST_EVENTS = 20;

/** @throws 400 webhook_url_forbidden, or invalid_request for what is no URL */
export function checkUrl(url: unknown, rules: AddressRules, param: string): asserts url is string {
  if (typeof url !== 'string') throw apiError('invalid_request', `${param} must be a URL.`, param);
  const problem = urlProblem(url, rules);
  if (problem === undefined) return;
  const code = problem.kind === 'forbidden' ? 'webhook_url_forbidden' : 'invalid_request';
  throw apiError(code, `${param} ${problem.message}.`, param);
}

/** @throws 400 */
export function checkEvents(events: unknown, param: string): asserts events is string[] {
  const isList = Array.isArray(events) && events.length > 0 && events.length <= MOST_EVENTS;
  if (isList && events.every(isEventPattern)) return;
  const types = WEBHOOK_EVENT_TYPES.join(', ');
  const message = `${param} must be an array of 1 to ${MOST_EVENTS} of: *, a family such as job.*, or ${types}.`;
  throw apiError('invalid_request', message, param);
}

/** @throws 400; never repeats it */
export function checkSecret(secret: unknown, param: string): asserts secret is string {
  if (isSecret(secret)) return;
  throw apiError('invalid_request', `${param} must be "whsec_" and 24 to 64 random bytes as base64.`, param);
}
