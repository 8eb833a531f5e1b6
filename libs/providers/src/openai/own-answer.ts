import { changeMembers, type Change } from '@sluice/core';
import type { OwnCall } from '@sluice/wire';
import type { Answer, Call, FailedAttempt, Finish, Reply } from '../adapter.js';
import { failureInBand, malformed, requestIdOf } from '../classify-failure.js';
import { recordOf } from '../provider-error.js';
import { readJsonReply } from '../read-json-reply.js';
import { estimatedUsage, openaiUsage } from '../usage.js';
import { isError } from './chat-answer.js';
import { completionIdOf } from './completion-id.js';
import { finishOf } from './finish-reason.js';

/** The member that an answer is. */
const HOLDS: Readonly<Partial<Record<OwnCall['endpoint'], string>>> = {
  '/v1/completions': 'choices',
  '/v1/embeddings': 'data',
  '/v1/moderations': 'results',
};

/** An answer of completions, embeddings or moderations: judged, and passed on with the names that are ours. */
export function openaiOwnAnswer(reply: Reply, call: Call, own: OwnCall, nowMs: number): Answer | FailedAttempt {
  const read = readJsonReply(reply);
  if ('kind' in read) return read;
  const { source, json: body } = read;
  const held = HOLDS[own.endpoint]!;
  const list = body[held];
  if (!Array.isArray(list) && isError(body)) {
    return { kind: 'failure', failure: failureInBand(body, reply.headers, nowMs) };
  }
  if (!Array.isArray(list) || list.length === 0)
    return malformed(`The provider answered without ${held}`, reply.headers);

  const changes = new Map<string, Change>([['model', { value: JSON.stringify(call.model) }]]);
  const finishes: Finish[] = [];
  let chars = 0;
  if (own.endpoint === '/v1/completions') {
    for (const [position, each] of list.entries()) {
      const { text, finish_reason: native, index = position } = recordOf(each) ?? {};
      if (typeof native !== 'string') return malformed('The provider did not say why it stopped', reply.headers);
      finishes.push(finishOf(index as number, native));
      chars += typeof text === 'string' ? text.length : 0;
    }
    changes.set('id', { value: JSON.stringify(completionIdOf(call)) });
    changes.set('created', { value: String(call.createdAt) });
    changes.set('object', { value: '"text_completion"' });
  }
  const answer: Answer = {
    kind: 'answer',
    text: changeMembers(source, changes),
    usage: openaiUsage(body['usage']) ?? estimatedUsage(call, chars),
    finishes,
  };
  const requestId = requestIdOf(reply.headers);
  if (requestId !== undefined) answer.requestId = requestId;
  return answer;
}
