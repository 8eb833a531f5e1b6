import { readAsked, type Endpoint } from '@sluice/wire';
import { NO_FACTS, type Deployment, type ProviderTarget } from '@sluice/core';
import type { Call, ChatBody, Reply, StreamEvent } from './adapter.js';
import { adapterFor } from './registry.js';
import { SniffedStream } from './sniffed-stream.js';

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

/** A call in another dialect than chat, as a worker reads it from a job's record. */
export function ownCallOf(endpoint: Endpoint, asked: Record<string, unknown>, beta?: string, source?: string): Call {
  const read = readAsked(endpoint, source ?? JSON.stringify({ model: 'asked', ...asked }), beta);
  return { ...callOf({}), stream: read.own.body['stream'] === true, ...read };
}

export function deploymentOf(target: Partial<ProviderTarget>, rest: Partial<Deployment> = {}): Deployment {
  return {
    id: 'd1',
    group: 'asked',
    provider: 'openai',
    model: 'gpt-x',
    fullModel: 'openai/gpt-x',
    baseModel: undefined,
    ...NO_FACTS,
    tags: [],
    region: undefined,
    order: 1,
    weight: undefined,
    rpm: undefined,
    tpm: undefined,
    maxParallel: undefined,
    timeoutMs: undefined,
    streamTimeoutMs: undefined,
    numRetries: undefined,
    cooldownMs: undefined,
    allowedFails: undefined,
    allowedFailsPolicy: undefined,
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
      mock: undefined,
      ...target,
    },
  };
}

/** Reads a whole stream, cut into pieces of `pieceBytes`. */
export function readStream(call: Call, deployment: Deployment, text: string, pieceBytes = 1_000_000): StreamEvent[] {
  const reader = new SniffedStream(adapterFor(deployment.provider), call, deployment, {}, 0);
  const bytes = Buffer.from(text, 'utf8');
  const events: StreamEvent[] = [];
  for (let i = 0; i < bytes.length; i += pieceBytes) events.push(...reader.push(bytes.subarray(i, i + pieceBytes)));
  events.push(...reader.end());
  return events;
}

export const sse = (...events: unknown[]): string =>
  events.map((event) => `data: ${typeof event === 'string' ? event : JSON.stringify(event)}\n\n`).join('');

/** The chunks' JSON, parsed. */
export const chunksOf = (events: readonly StreamEvent[]): Record<string, any>[] =>
  events.flatMap((event) => (event.kind === 'chunk' ? [JSON.parse(event.text) as Record<string, unknown>] : []));

export const replyOf = (body: unknown, status = 200, headers: Record<string, string> = {}): Reply => ({
  status,
  headers,
  body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
});
