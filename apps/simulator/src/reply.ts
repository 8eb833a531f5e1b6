import { CHARACTERS_PER_TOKEN } from './answer/make-answer.js';
import { planBody, unaryText } from './delivery/plan.js';
import type { Dress, Refusal } from './formats/format.js';
import type { OpenCall } from './open-call.js';
import { replyHeaders, retryHeaders, type RetryStyle } from './reply-headers.js';
import type { Fault } from './script/fault.js';

export const JSON_TYPE = 'application/json';
const HTML_TYPE = 'text/html; charset=utf-8';
/** This very object: nothing is done to the call, so the short way may be taken. */
export const NO_FAULT: Fault = {};

/** An error in the format's words, under the fault's own status, body and headers where it has them. */
export function refuse(call: OpenCall, fault: Fault, refusal: Refusal): void {
  const { format } = call;
  const { script, limits } = call.profile;
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
export function reply(
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
