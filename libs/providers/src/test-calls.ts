import type { Deployment, ProviderTarget } from '@sluice/core';
import type { Call, ChatBody } from './adapter.js';

/** Calls and deployments for the specs of this room. Not part of its index. */
export function callOf(body: Record<string, unknown>, source?: string): Call {
  const whole = { model: 'asked', messages: [{ role: 'user', content: 'Hello there' }], ...body };
  const text = source ?? JSON.stringify(whole);
  const parsed = JSON.parse(text) as ChatBody;
  return {
    id: 'chatcmpl-1',
    createdAt: 1_700_000_000,
    model: 'asked',
    stream: parsed['stream'] === true,
    source: text,
    body: parsed,
  };
}

export function deploymentOf(target: Partial<ProviderTarget>, rest: Partial<Deployment> = {}): Deployment {
  return {
    id: 'd1',
    group: 'asked',
    provider: 'openai',
    model: 'gpt-x',
    fullModel: 'openai/gpt-x',
    baseModel: undefined,
    order: 1,
    weight: undefined,
    rpm: undefined,
    tpm: undefined,
    maxParallel: undefined,
    timeoutMs: undefined,
    streamTimeoutMs: undefined,
    numRetries: undefined,
    cooldownMs: undefined,
    disabled: undefined,
    info: {},
    ...rest,
    target: {
      baseUrl: 'http://127.0.0.1:1/v1',
      apiKey: 'sk-secret-key-1234',
      apiVersion: undefined,
      azureAdToken: undefined,
      organization: undefined,
      extraHeaders: {},
      extraBody: {},
      defaults: {},
      dropParams: false,
      additionalDropParams: [],
      allowedOpenaiParams: [],
      ...target,
    },
  };
}
