import type { ServerResponse } from 'node:http';
import { answerCall } from './answer-call.js';
import { OpenCall } from './open-call.js';
import type { Question } from './question.js';
import { NO_FAULT, refuse } from './reply.js';
import { newRecord } from './request-log.js';
import { chooseFault } from './script/choose-fault.js';
import { type Fault, isReplyKind, played, replacesAnswer, type ReplyKind } from './script/fault.js';
import type { World } from './world.js';

/** One call to a provider, from its last byte on: is something wrong with it, and if not too much, its answer. */
export function serveCall(world: World, question: Question, res: ServerResponse): OpenCall {
  const arrivedMs = performance.now();
  const { route, problem } = question;
  const profile = world.profile(route.profile);
  const chosen = problem === undefined ? faultOf(world, question, arrivedMs) : undefined;

  const n = world.nextN();
  const { log } = profile.script;
  const record = log === 'none' ? undefined : newRecord(n, question, chosen, log === 'full');
  if (record !== undefined) world.log.add(record, record.body === null ? 0 : question.bytes.length);
  const call = new OpenCall({ world, profile, format: route.format, res, record, arrivedMs, n });

  const fault = chosen === undefined ? NO_FAULT : played(chosen);
  if (problem !== undefined) {
    refuse(call, NO_FAULT, { kind: 'bad_request', message: problem.message, param: problem.member });
  } else if (replacesAnswer(fault)) {
    replace(call, fault);
  } else {
    answerCall(call, question, fault);
  }
  return call;
}

/** Header before suffix before profile; a profile's rules are the script's where it has none of its own. */
function faultOf(world: World, { route, body, model, travelling }: Question, nowMs: number): Fault | undefined {
  const { rules, faultDice } = world.profile(route.profile);
  if (rules.length === 0 && travelling.length === 0) return undefined;
  const facts = {
    model,
    route: route.path,
    canonicalRoute: route.canonical,
    stream: body?.['stream'] === true,
    elapsedMs: world.elapsedMs(nowMs),
  };
  return chooseFault([...travelling.map((one) => world.countedTravelling(one)), ...rules], facts, faultDice);
}

/** What stands in place of the answer. */
function replace(call: OpenCall, fault: Fault): void {
  if (fault.hang === true) return call.hang();
  if (fault.resetBeforeHeaders === true) return call.resetBeforeHeaders(fault.delayHeadersMs ?? 0);
  refuse(call, fault, { kind: replyKindOf(fault), retryAfterMs: fault.retryAfterMs });
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
