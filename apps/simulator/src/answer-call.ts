import type { Answer, ChatCall } from './answer/chat-call.js';
import { CHARACTERS_PER_TOKEN, makeAnswer } from './answer/make-answer.js';
import { planStream } from './delivery/plan.js';
import { type Dress, isRefusal, type Refusal } from './formats/format.js';
import type { OpenCall } from './open-call.js';
import type { Question } from './question.js';
import { JSON_TYPE, NO_FAULT, refuse, reply } from './reply.js';
import { replyHeaders } from './reply-headers.js';
import { modelsBody } from './routes.js';
import { drawLatencyMs } from './script/draw.js';
import { type Fault, isReplyKind, ofTheWire } from './script/fault.js';

const SSE_TYPE = 'text/event-stream; charset=utf-8';

/** Key, route, body, limits, answer: in this order, as a provider looks at a call. */
export function answerCall(call: OpenCall, { route, method, headers, body, model }: Question, fault: Fault): void {
  const { format, profile } = call;
  const { script } = profile;
  const spared = fault === NO_FAULT ? NO_FAULT : ofTheWire(fault);
  if (route.what === 'hook') return reply(call, fault, 200, JSON_TYPE, '{"received":true}', []);
  if (script.auth.key !== null && format.keyOf(headers) !== script.auth.key) {
    return refuse(call, spared, { kind: 'auth' });
  }
  if (route.what === 'models') return reply(call, fault, 200, JSON_TYPE, modelsBody(format, route.model ?? ''), []);
  if (route.what === 'unknown') {
    return refuse(call, spared, {
      kind: 'not_found',
      message: `Unknown request URL: ${method} ${route.path}.`,
    });
  }
  if (method !== 'POST') {
    const refusal: Refusal = {
      kind: 'bad_request',
      message: `Not allowed to ${method} on ${route.path}: use POST.`,
    };
    return refuse(call, { status: 405, ...spared }, refusal);
  }
  if (body === undefined) {
    return refuse(call, spared, {
      kind: 'bad_request',
      message: 'We could not parse the JSON body of your request.',
    });
  }
  const chat = format.read(body, headers, model);
  if (isRefusal(chat)) return refuse(call, spared, chat);
  if (chat.prefill !== null && script.answer.prefill === 'reject') {
    const message =
      'This model does not support assistant message prefill. The conversation must end with a user message.';
    return refuse(call, spared, { kind: 'bad_request', message });
  }

  const made = makeAnswer(chat, script.answer, script.seed);
  let limitHeaders: string[] = [];
  if (profile.limits.areSet) {
    const nowMs = performance.now();
    const { prompt, completion } = made.usage;
    const admission = profile.limits.admit(prompt + completion, profile.stats.inFlight - 1, nowMs);
    if (!admission.admitted) {
      const { limit, retryAfterMs } = admission;
      if (call.record !== undefined) call.record.limited = limit;
      return refuse(call, spared, { kind: 'rate_limit', limit, retryAfterMs: Math.ceil(retryAfterMs) });
    }
    limitHeaders = format.limitHeaders(profile.limits.state(nowMs, Date.now()), true);
  }
  give(call, fault, chat, made, limitHeaders);
}

function give(call: OpenCall, fault: Fault, chat: ChatCall, made: Answer, limitHeaders: string[]): void {
  const { format } = call;
  const { script, latencyDice, faultDice } = call.profile;
  const charactersPerChunk = script.tokensPerChunk * CHARACTERS_PER_TOKEN;
  const stepMs = script.tokensPerSecond === null ? 0 : (script.tokensPerChunk * 1_000) / script.tokensPerSecond;
  const firstTokenMs = drawLatencyMs(script.latency, latencyDice);
  const generationMs = stepMs === 0 ? 0 : (stepsOf(made, charactersPerChunk) - 1) * stepMs;
  const drawnMs = Math.round((firstTokenMs + generationMs) * 10) / 10;
  if (call.record !== undefined) call.record.drawnMs = drawnMs;
  const dress: Dress = {
    n: call.n,
    createdAt: Math.floor(Date.now() / 1_000),
    drawnMs,
    noUsage: fault.noUsage === true,
    noFinish: fault.noFinish === true,
  };
  const headers = [...limitHeaders, 'x-sim-latency-ms', String(drawnMs)];

  const errorKind = fault.kind !== undefined && isReplyKind(fault.kind) ? fault.kind : 'server';
  if (chat.isStreaming) {
    const pieces = format.pieces(chat, made, dress, charactersPerChunk);
    const parts = {
      unknownEvent: format.unknownEvent,
      error: format.inBandError(errorKind, dress),
      dice: faultDice,
    };
    const steps = planStream(pieces, fault, { firstTokenMs, stepMs }, parts);
    const streamHeaders = replyHeaders(format, call.n, fault, SSE_TYPE, ['cache-control', 'no-cache', ...headers]);
    return call.deliver({ status: 200, headers: streamHeaders, headersAtMs: 0, length: null, steps }, fault);
  }
  if (fault.errorAfter !== undefined) {
    const { body } = format.error({ kind: errorKind }, null, dress);
    return reply(call, fault, 200, JSON_TYPE, body, headers, firstTokenMs);
  }
  reply(call, fault, 200, JSON_TYPE, format.unary(chat, made, dress), headers, drawnMs, charactersPerChunk);
}

/** Pieces of content in the longest choice; choices are generated side by side. */
function stepsOf({ choices }: Answer, charactersPerChunk: number): number {
  let longest = 1;
  for (const { reasoning, text, toolCalls } of choices) {
    let steps = Math.ceil(reasoning.length / charactersPerChunk) + Math.ceil(text.length / charactersPerChunk);
    for (const { arguments: given } of toolCalls) steps += 1 + Math.ceil(given.length / charactersPerChunk);
    longest = Math.max(longest, steps);
  }
  return longest;
}
