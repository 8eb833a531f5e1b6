import type { Adapter } from '../adapter.js';
import { failureOfReply } from '../classify-failure.js';
import { withExtraHeaders } from '../extra-headers.js';
import { limitNewsOf, OPENAI_LIMITS } from '../limit-headers.js';
import { openaiAnswer } from './chat-answer.js';
import { openaiChatBody } from './chat-request.js';
import { OpenaiStreamReader } from './chat-stream.js';
import { prefillFormOf } from './prefill-form.js';

const ROUTE = '/chat/completions';

/** OpenAI and every server that speaks its format, whatever the `api_base`. Source: WIRE.md 5. */
export const openaiAdapter: Adapter = {
  /** Nothing is unsupported: the client's dialect is the target's. */
  unsupported: () => [],
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
      url: baseUrl.endsWith(ROUTE) ? baseUrl : baseUrl + ROUTE,
      headers: withExtraHeaders(headers, extraHeaders),
      body: openaiChatBody(call, deployment),
    };
  },
  answer: (reply, call, _target, nowMs) => openaiAnswer(reply, call, nowMs),
  stream: (call, target, headers, nowMs) => new OpenaiStreamReader(call, target, headers, nowMs),
  limits: (headers, nowMs) => limitNewsOf(OPENAI_LIMITS, headers, nowMs),
  failure: failureOfReply,
};
