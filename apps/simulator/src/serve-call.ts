import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Answer, ChatCall } from './answer/chat-call.js';
import { CHARACTERS_PER_TOKEN, makeAnswer } from './answer/make-answer.js';
import { type Dress, isRefusal, type Refusal } from './formats/format.js';
import type { Profile } from './profile.js';
import { type RequestRecord, shownHeaders } from './request-log.js';
import { replyHeaders, retryHeaders, type RetryStyle } from './reply-headers.js';
import { modelsBody, type Route } from './routes.js';
import { isObject, ScriptError } from './script/checks.js';
import { chooseFault, type CountedRule } from './script/choose-fault.js';
import { drawLatencyMs } from './script/draw.js';
import { type Fault, isReplyKind, ofTheWire, played, replacesAnswer, type ReplyKind } from './script/fault.js';
import { faultInHeader, faultInModel } from './script/one-call.js';
import { OpenCall } from './open-call.js';
import type { World } from './world.js';
import { planBody, planStream, unaryText } from './delivery/plan.js';

const JSON_TYPE = 'application/json';
const HTML_TYPE = 'text/html; charset=utf-8';
const SSE_TYPE = 'text/event-stream; charset=utf-8';
const NO_FAULT: Fault = {};

/** One call to a provider, from its last byte on: fault, key, limits, answer, in this order. Returns it while it runs. */
export function serveCall(
  world: World,
  route: Route,
  req: IncomingMessage,
  res: ServerResponse,
  bytes: Buffer,
): OpenCall {
  const arrivedMs = performance.now();
  const profile = world.profile(route.profile);
  const question = questionOf(route, bytes);
  let travelling: CountedRule[] = [];
  let named = { model: question.model, problem: undefined as ScriptError | undefined };
  try {
    const header = req.headers['x-sim-fault'];
    if (typeof header === 'string') travelling.push(world.countedTravelling(faultInHeader(header)));
    const suffixed = faultInModel(question.model);
    named.model = suffixed.model;
    if (suffixed.travelling !== undefined) travelling.push(world.countedTravelling(suffixed.travelling));
  } catch (error) {
    if (!(error instanceof ScriptError)) throw error;
    travelling = [];
    named = { ...named, problem: error };
  }

  const isStreaming = question.body?.['stream'] === true;
  const facts = {
    model: named.model,
    route: route.path,
    canonicalRoute: route.canonical,
    stream: isStreaming,
    elapsedMs: world.elapsedMs(arrivedMs),
  };
  const rules = travelling.length === 0 ? profile.rules : [...travelling, ...profile.rules];
  const chosen = rules.length === 0 ? undefined : chooseFault(rules, facts, profile.faultDice);

  const n = world.nextN();
  const record = recordOf(profile, route, req, n, named.model, question, chosen, bytes.length);
  if (record !== undefined) world.log.add(record, bytes.length);
  const call = new OpenCall({ world, profile, format: route.format, res, record, arrivedMs, n });
  const fault = chosen === undefined ? NO_FAULT : played(chosen);

  if (named.problem !== undefined) {
    refuse(call, profile, NO_FAULT, {
      kind: 'bad_request',
      message: named.problem.message,
      param: named.problem.member,
    });
  } else if (replacesAnswer(fault)) {
    replace(call, profile, fault);
  } else {
    answer(call, profile, fault, route, req, named.model, question);
  }
  return call;
}

interface Question {
  /** Undefined: no JSON object. */
  body: Record<string, unknown> | undefined;
  /** As it was written, with its suffix. */
  model: string;
}

function questionOf(route: Route, bytes: Buffer): Question {
  if (route.what !== 'chat') return { body: {}, model: route.model ?? '' };
  let body: unknown;
  try {
    body = JSON.parse(bytes.toString('utf8'));
  } catch {
    return { body: undefined, model: route.model ?? '' };
  }
  if (!isObject(body)) return { body: undefined, model: route.model ?? '' };
  return { body, model: route.model ?? (typeof body['model'] === 'string' ? body['model'] : '') };
}

function recordOf(
  profile: Profile,
  route: Route,
  req: IncomingMessage,
  n: number,
  model: string,
  question: Question,
  chosen: Fault | undefined,
  bodyBytes: number,
): RequestRecord | undefined {
  const { log } = profile.script;
  if (log === 'none') return undefined;
  const isFull = log === 'full';
  return {
    n,
    atMs: Date.now(),
    format: route.format.name,
    route: route.path,
    model,
    profile: route.profile,
    headers: isFull ? shownHeaders(req.headers) : null,
    body: isFull && bodyBytes > 0 ? (question.body ?? null) : null,
    do: chosen ?? null,
    status: null,
    headersMs: null,
    firstChunkMs: null,
    endMs: null,
    chunks: 0,
    bytes: 0,
    outcome: null,
    drawnMs: 0,
    retryAfterMs: null,
    limited: null,
  };
}

/** What stands in place of the answer. */
function replace(call: OpenCall, profile: Profile, fault: Fault): void {
  if (fault.hang === true) return call.hang();
  if (fault.resetBeforeHeaders === true) return call.resetBeforeHeaders(fault.delayHeadersMs ?? 0);
  const kind = fault.errorAfter === undefined ? replyKindOf(fault) : 'server';
  refuse(call, profile, fault, { kind, retryAfterMs: fault.retryAfterMs });
}

function replyKindOf({ kind, status, retryAfterMs }: Fault): ReplyKind {
  if (kind !== undefined && isReplyKind(kind)) return kind;
  if (status !== undefined) return KIND_OF_STATUS[status] ?? (status >= 400 && status < 500 ? 'bad_request' : 'server');
  return retryAfterMs === undefined ? 'server' : 'rate_limit';
}

const KIND_OF_STATUS: Record<number, ReplyKind> = {
  401: 'auth',
  402: 'quota_exhausted',
  403: 'permission',
  404: 'not_found',
  405: 'not_found',
  429: 'rate_limit',
  503: 'overloaded',
  529: 'overloaded',
};
function answer(
  call: OpenCall,
  profile: Profile,
  fault: Fault,
  route: Route,
  req: IncomingMessage,
  model: string,
  { body }: Question,
): void {
  const { format } = route;
  const { script } = profile;
  const spared = fault === NO_FAULT ? NO_FAULT : ofTheWire(fault);
  if (script.auth.key !== null && format.keyOf(req.headers) !== script.auth.key) {
    return refuse(call, profile, spared, { kind: 'auth' });
  }
  if (route.what === 'models') return reply(call, fault, 200, JSON_TYPE, modelsBody(format, route.model ?? ''), []);
  if (route.what === 'unknown') {
    return refuse(call, profile, spared, {
      kind: 'not_found',
      message: `Unknown request URL: ${req.method} ${route.path}.`,
    });
  }
  if (req.method !== 'POST') {
    const refusal: Refusal = {
      kind: 'bad_request',
      message: `Not allowed to ${req.method} on ${route.path}: use POST.`,
    };
    return refuse(call, profile, { status: 405, ...spared }, refusal);
  }
  if (body === undefined) {
    return refuse(call, profile, spared, {
      kind: 'bad_request',
      message: 'We could not parse the JSON body of your request.',
    });
  }
  const chat = format.read(body, req.headers, model);
  if (isRefusal(chat)) return refuse(call, profile, spared, chat);
  if (chat.prefill !== null && script.answer.prefill === 'reject') {
    const message =
      'This model does not support assistant message prefill. The conversation must end with a user message.';
    return refuse(call, profile, spared, { kind: 'bad_request', message });
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
      return refuse(call, profile, spared, { kind: 'rate_limit', limit, retryAfterMs: Math.ceil(retryAfterMs) });
    }
    limitHeaders = format.limitHeaders(profile.limits.state(nowMs, Date.now()), true);
  }
  give(call, profile, fault, chat, made, limitHeaders);
}

function give(
  call: OpenCall,
  { script, latencyDice, faultDice }: Profile,
  fault: Fault,
  chat: ChatCall,
  made: Answer,
  limitHeaders: string[],
): void {
  const { format } = call;
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

  if (chat.isStreaming) {
    const pieces = format.pieces(chat, made, dress, charactersPerChunk);
    const error = format.inBandError(replyKindOf({ kind: fault.kind ?? 'server' }), dress);
    const steps = planStream(
      pieces,
      fault,
      { firstTokenMs, stepMs },
      {
        unknownEvent: format.unknownEvent,
        error,
        dice: faultDice,
      },
    );
    const streamHeaders = replyHeaders(format, call.n, fault, SSE_TYPE, ['cache-control', 'no-cache', ...headers]);
    return call.deliver({ status: 200, headers: streamHeaders, headersAtMs: 0, length: null, steps }, fault);
  }
  if (fault.errorAfter !== undefined) {
    const { body } = format.error({ kind: replyKindOf({ kind: fault.kind ?? 'server' }) }, null, dress);
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

/** An error in the format's words, under the fault's own status, body and headers where it has them. */
function refuse(call: OpenCall, { script, limits }: Profile, fault: Fault, refusal: Refusal): void {
  const { format } = call;
  const style: RetryStyle = script.limits.retryAfter;
  const isRateLimit = refusal.kind === 'rate_limit';
  const { retryAfterMs } = refusal;
  if (call.record !== undefined) call.record.retryAfterMs = retryAfterMs ?? null;
  const dress: Dress = { n: call.n, createdAt: 0, drawnMs: 0, noUsage: false, noFinish: false };
  const worded = style === 'none' ? { ...refusal, retryAfterMs: undefined } : refusal;
  const { status, body } = format.error(worded, fault.status ?? (fault.body === undefined ? null : 200), dress);

  const headers = retryAfterMs === undefined ? [] : retryHeaders(retryAfterMs, style, format, Date.now());
  if (isRateLimit && limits.areSet) {
    // A reset is a hint too, which these two styles are there to leave out.
    const withResets = style !== 'none' && style !== 'body';
    headers.push(...format.limitHeaders(limits.state(performance.now(), Date.now()), withResets));
  }
  reply(call, fault, status, fault.body?.startsWith('<') === true ? HTML_TYPE : JSON_TYPE, fault.body ?? body, headers);
}

/** A reply in one piece. */
function reply(
  call: OpenCall,
  fault: Fault,
  status: number,
  type: string,
  text: string,
  headers: readonly string[],
  atMs = 0,
  charactersPerChunk = CHARACTERS_PER_TOKEN,
): void {
  const all = replyHeaders(call.format, call.n, fault, type, headers);
  if (fault === NO_FAULT && atMs === 0) return call.answerAtOnce(status, all, text);
  const body = call.compressed(Buffer.from(unaryText(text, fault, charactersPerChunk)), fault);
  const steps = planBody(body, fault, atMs, charactersPerChunk);
  call.deliver({ status, headers: all, headersAtMs: atMs, length: body.length, steps }, fault);
}
