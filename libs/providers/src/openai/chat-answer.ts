import { usageBody } from '@sluice/wire';
import type { Answer, Call, FailedAttempt, Finish, Reply } from '../adapter.js';
import { failureInBand, malformed, requestIdOf } from '../classify-failure.js';
import { changeMembers, changeMembersAt, type Change } from '@sluice/core';
import { recordOf } from '../provider-error.js';
import { readJsonReply } from '../read-json-reply.js';
import { estimatedUsage, openaiUsage } from '../usage.js';
import { contentCharsOf } from './content-of.js';
import { finishOf, isKnownReason } from './finish-reason.js';
import { oddContentChanges } from './odd-content.js';

/**
 * A chat completion as OpenAI writes it: parsed once to be judged, and passed on as text with id, created and model replaced.
 * Nested members are only touched where a server strays from the format.
 */
export function openaiAnswer(reply: Reply, call: Call, nowMs: number): Answer | FailedAttempt {
  const read = readJsonReply(reply);
  if ('kind' in read) return read;
  const { source, json: body } = read;
  const { choices } = body;
  if (isError(body)) return { kind: 'failure', failure: failureInBand(body, reply.headers, nowMs) };
  if (!Array.isArray(choices) || choices.length === 0) {
    return malformed('The provider answered without choices', reply.headers);
  }

  let text = source;
  let chars = 0;
  const finishes: Finish[] = [];
  let isFilteredOnly = true;
  for (const [position, each] of choices.entries()) {
    const choice = recordOf(each);
    const message = recordOf(choice?.['message']);
    if (choice === undefined || message === undefined)
      return malformed('The provider answered with a choice without message', reply.headers);
    if (choice['finish_reason'] === 'error' || recordOf(choice['error']) !== undefined) {
      return { kind: 'failure', failure: failureInBand(choice, reply.headers, nowMs) };
    }
    const native = nativeFinishOf(choice, message);
    if (native === undefined) return malformed('The provider did not say why it stopped', reply.headers);
    if (!isKnownReason(native) || choice['finish_reason'] !== native) {
      const known = finishOf(0, native).reason;
      text = changeMembersAt(text, ['choices', position], new Map([['finish_reason', { value: `"${known}"` }]]));
    }
    const odd = oddContentChanges(message);
    if (odd !== undefined) text = changeMembersAt(text, ['choices', position, 'message'], odd);
    const size = contentCharsOf(message);
    chars += Math.max(size, 0);
    const index = typeof choice['index'] === 'number' ? choice['index'] : position;
    const finish = finishOf(index, native);
    finishes.push(finish);
    isFilteredOnly &&= finish.reason === 'content_filter' && size < 0;
  }
  if (isFilteredOnly) {
    return { kind: 'failure', failure: { kind: 'content_filter', message: 'The provider filtered the whole answer' } };
  }

  const usage = openaiUsage(body['usage']) ?? openaiUsage(recordOf(body['x_groq'])?.['usage']);
  const changes = new Map<string, Change>([
    ['id', { value: JSON.stringify(call.id) }],
    ['created', { value: String(call.createdAt) }],
    ['model', { value: JSON.stringify(call.model) }],
  ]);
  if (body['object'] !== 'chat.completion') changes.set('object', { value: '"chat.completion"' });
  const counted = usage ?? estimatedUsage(call, chars);
  if (recordOf(body['usage']) === undefined) changes.set('usage', { value: JSON.stringify(usageBody(counted)) });
  const answer: Answer = { kind: 'answer', text: changeMembers(text, changes), usage: counted, finishes };
  const requestId = requestIdOf(reply.headers);
  if (requestId !== undefined) answer.requestId = requestId;
  return answer;
}

/** Error members of any shape; `error: null` beside choices is none. */
export function isError(body: Readonly<Record<string, unknown>>): boolean {
  const { error } = body;
  if ((typeof error === 'string' && error !== '') || (typeof error === 'object' && error !== null)) return true;
  if (body['object'] === 'error' || body['type'] === 'error') return true;
  return (
    body['choices'] === undefined &&
    (body['detail'] !== undefined ||
      (typeof body['message'] === 'string' && (body['code'] ?? body['type']) !== undefined))
  );
}

/** Some servers leave the finish out when there are tool calls. */
function nativeFinishOf(choice: Record<string, unknown>, message: Record<string, unknown>): string | undefined {
  const native = choice['finish_reason'];
  if (typeof native === 'string' && native !== '') return native;
  return Array.isArray(message['tool_calls']) && message['tool_calls'].length > 0 ? 'tool_calls' : undefined;
}
