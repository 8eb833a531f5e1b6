import type { Deployment } from '@sluice/core';
import type { Adapter, Call, PrefillForm } from '../adapter.js';
import { failureOfReply } from '../classify-failure.js';
import { withExtraHeaders } from '../extra-headers.js';
import { ANTHROPIC_LIMITS, limitNewsOf } from '../limit-headers.js';
import { anthropicAnswer } from './anthropic-answer-to-openai.js';
import { AnthropicStreamReader } from './anthropic-stream-to-openai.js';
import { chatParams, unsupportedParams } from './chat-params.js';
import { modelTraitsOf } from './model-traits.js';
import { recordOf } from '../provider-error.js';
import { anthropicBody } from './openai-chat-to-anthropic.js';
import { ownCallFor, unsaidFor } from '../own-dialect.js';
import { anthropicOwnAnswer } from './own-answer.js';
import { anthropicOwnBody } from './own-request.js';
import { AnthropicOwnStreamReader } from './own-stream.js';

const ROUTE = '/v1/messages';
const API_VERSION = '2023-06-01';

/** Anthropic's Messages API, direct or at a compatible server. Source: WIRE.md 7. */
export const anthropicAdapter: Adapter = {
  unsupported(call, deployment) {
    if (ownCallFor(call, deployment) !== undefined) return [];
    const unsaid = unsaidFor(call, deployment);
    return unsaid.some((each) => each === call.own?.endpoint)
      ? [...unsaid]
      : [...unsaid, ...unsupportedParams(call, deployment)];
  },
  prefill,
  request(call, deployment) {
    const { baseUrl, apiKey, extraHeaders } = deployment.target;
    const headers: Record<string, string> = {
      'content-type': 'application/json',
      accept: call.stream ? 'text/event-stream' : 'application/json',
      'accept-encoding': 'identity',
      'anthropic-version': API_VERSION,
    };
    if (apiKey !== undefined) headers['x-api-key'] = apiKey;
    const own = ownCallFor(call, deployment);
    if (own?.beta !== undefined) headers['anthropic-beta'] = own.beta;
    return {
      method: 'POST',
      url: anthropicUrl(baseUrl),
      headers: withExtraHeaders(headers, extraHeaders),
      body: own === undefined ? anthropicBody(call, deployment) : anthropicOwnBody(own, deployment),
    };
  },
  answer: (reply, call, deployment, nowMs) =>
    ownCallFor(call, deployment) === undefined
      ? anthropicAnswer(reply, call, deployment, nowMs)
      : anthropicOwnAnswer(reply, call, nowMs),
  stream: (call, deployment, headers, nowMs) =>
    ownCallFor(call, deployment) === undefined
      ? new AnthropicStreamReader(call, deployment, headers, nowMs)
      : new AnthropicOwnStreamReader(call, headers, nowMs),
  limits: (headers, nowMs) => limitNewsOf(ANTHROPIC_LIMITS, headers, nowMs),
  failure: failureOfReply,
};

function anthropicUrl(baseUrl: string): string {
  if (baseUrl.endsWith(ROUTE)) return baseUrl;
  return baseUrl.endsWith('/v1') ? `${baseUrl}/messages` : baseUrl + ROUTE;
}

/** While Claude thinks it takes no prefill. */
function prefill(call: Call, deployment: Deployment): PrefillForm | undefined {
  const { body } = chatParams(call, deployment);
  const effort = body['reasoning_effort'] ?? 'none';
  const thinks = effort !== 'none' || (recordOf(body['thinking'])?.['type'] ?? 'disabled') !== 'disabled';
  const isAble = deployment.supports.prefill ?? modelTraitsOf(deployment).prefill;
  return isAble && !thinks ? 'plain' : undefined;
}
