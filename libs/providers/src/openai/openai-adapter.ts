import type { Deployment } from '@sluice/core';
import type { Adapter, Call } from '../adapter.js';
import { failureOfReply } from '../classify-failure.js';
import { withExtraHeaders } from '../extra-headers.js';
import { limitNewsOf, OPENAI_LIMITS } from '../limit-headers.js';
import { openaiAnswer } from './chat-answer.js';
import { openaiChatBody } from './chat-request.js';
import { OpenaiStreamReader } from './chat-stream.js';
import { ownCallFor, unsaidFor } from '../own-dialect.js';
import { openaiOwnAnswer } from './own-answer.js';
import { openaiOwnBody } from './own-request.js';
import { prefillFormOf } from './prefill-form.js';

/** Where the call goes under the base URL. */
export function openaiRouteOf(call: Call, deployment: Deployment): string {
  return ownCallFor(call, deployment)?.endpoint.slice('/v1'.length) ?? CHAT_ROUTE;
}

const CHAT_ROUTE = '/chat/completions';

export function openaiBodyOf(call: Call, deployment: Deployment): string {
  const own = ownCallFor(call, deployment);
  return own === undefined ? openaiChatBody(call, deployment) : openaiOwnBody(own, deployment, call.stream);
}

/** People write the address of the chat where the base is meant. */
export const withRoute = (baseUrl: string, route: string): string => {
  if (baseUrl.endsWith(route)) return baseUrl;
  return (baseUrl.endsWith(CHAT_ROUTE) ? baseUrl.slice(0, -CHAT_ROUTE.length) : baseUrl) + route;
};

/** OpenAI and every server that speaks its format, whatever the `api_base`. Source: WIRE.md 5. */
export const openaiAdapter: Adapter = {
  /** Of a chat nothing is unsupported: the client's dialect is the target's. */
  unsupported: (call, deployment) => [...unsaidFor(call, deployment)],
  prefill: (_call, deployment) => prefillFormOf(deployment),
  request(call, deployment) {
    const { baseUrl, apiKey, organization, extraHeaders } = deployment.target;
    const headers: Record<string, string> = {
      'content-type': 'application/json',
      accept: call.stream ? 'text/event-stream' : 'application/json',
      'accept-encoding': 'identity',
    };
    if (apiKey !== undefined) headers['authorization'] = `Bearer ${apiKey}`;
    if (organization !== undefined) headers['openai-organization'] = organization;
    return {
      method: 'POST',
      url: withRoute(baseUrl, openaiRouteOf(call, deployment)),
      headers: withExtraHeaders(headers, extraHeaders),
      body: openaiBodyOf(call, deployment),
    };
  },
  answer(reply, call, deployment, nowMs) {
    const own = ownCallFor(call, deployment);
    return own === undefined ? openaiAnswer(reply, call, nowMs) : openaiOwnAnswer(reply, call, own, nowMs);
  },
  stream: (call, target, headers, nowMs) => new OpenaiStreamReader(call, target, headers, nowMs),
  limits: (headers, nowMs) => limitNewsOf(OPENAI_LIMITS, headers, nowMs),
  failure: failureOfReply,
};
