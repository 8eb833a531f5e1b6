import { changeMembers } from '@sluice/core';
import { messageId } from '@sluice/wire';
import type { Answer, Call, FailedAttempt, Reply } from '../adapter.js';
import { failureInBand, malformed, requestIdOf } from '../classify-failure.js';
import { recordOf } from '../provider-error.js';
import { readJsonReply } from '../read-json-reply.js';
import { estimatedUsage } from '../usage.js';
import { finishOfStop, mergedUsage, usageOf } from './stop-reason.js';

/** A Message for a client of Messages: judged, and passed on byte by byte with id and model ours. */
export function anthropicOwnAnswer(reply: Reply, call: Call, nowMs: number): Answer | FailedAttempt {
  const read = readJsonReply(reply);
  if ('kind' in read) return read;
  const { source, json: body } = read;
  const { content, stop_reason: native, usage } = body;
  if (!Array.isArray(content)) {
    const isError = body['type'] === 'error' || recordOf(body['error']) !== undefined;
    if (isError) return { kind: 'failure', failure: failureInBand(body, reply.headers, nowMs) };
    return malformed('The provider answered without content', reply.headers);
  }
  if (typeof native !== 'string') return malformed('The provider did not say why it stopped', reply.headers);
  const finish = finishOfStop(native);
  if (finish.reason === 'content_filter' && content.length === 0) {
    return { kind: 'failure', failure: { kind: 'content_filter', message: 'The provider filtered the whole answer' } };
  }
  const answer: Answer = {
    kind: 'answer',
    text: changeMembers(
      source,
      new Map([
        ['id', { value: JSON.stringify(ownMessageId(call)) }],
        ['type', { value: '"message"' }],
        ['model', { value: JSON.stringify(call.model) }],
      ]),
    ),
    usage: usageOf(mergedUsage(undefined, usage)) ?? estimatedUsage(call, source.length),
    finishes: [finish],
  };
  const requestId = requestIdOf(reply.headers);
  if (requestId !== undefined) answer.requestId = requestId;
  return answer;
}

/** `msg_X` of the call whose chat answer would be `chatcmpl-X`. */
export const ownMessageId = ({ id }: Call): string => messageId(id.replace('chatcmpl-', 'job_'));
