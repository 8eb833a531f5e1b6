import { elementsAt, valueAt, valueText, type Deployment } from '@sluice/core';
import { usageBody } from '@sluice/wire';
import type { Answer, Call, FailedAttempt, Reply } from '../adapter.js';
import { failureInBand, malformed, requestIdOf } from '../classify-failure.js';
import { recordOf } from '../provider-error.js';
import { readJsonReply } from '../read-json-reply.js';
import { estimatedUsage } from '../usage.js';
import { JSON_TOOL, usesJsonTool } from './chat-tools.js';
import { chatParams } from './chat-params.js';
import { modelTraitsOf } from './model-traits.js';
import { finishOfStop, mergedUsage, usageOf } from './stop-reason.js';

/** A message of Claude's as a chat completion. Tool arguments are the text of `input`, digit for digit. */
export function anthropicAnswer(
  reply: Reply,
  call: Call,
  deployment: Deployment,
  nowMs: number,
): Answer | FailedAttempt {
  const read = readJsonReply(reply);
  if ('kind' in read) return read;
  const { source, json: body } = read;
  if (body['type'] === 'error' || recordOf(body['error']) !== undefined) {
    return { kind: 'failure', failure: failureInBand(body, reply.headers, nowMs) };
  }
  const { content } = body;
  if (!Array.isArray(content)) return malformed('The provider answered without content', reply.headers);

  const isJsonAsked = usesJsonTool(chatParams(call, deployment).body, modelTraitsOf(deployment));
  const contentAt = valueAt(source, ['content']) ?? 0;
  let text = '';
  let reasoning = '';
  const thoughts: unknown[] = [];
  const toolCalls: unknown[] = [];
  let spans: ReturnType<typeof elementsAt> | undefined;
  for (const [index, each] of content.entries()) {
    const block = recordOf(each) ?? {};
    if (block['type'] === 'text' && typeof block['text'] === 'string') text += block['text'];
    else if (block['type'] === 'thinking') {
      const thinking = typeof block['thinking'] === 'string' ? block['thinking'] : '';
      reasoning += thinking;
      thoughts.push({ type: 'thinking', thinking, signature: block['signature'] });
    } else if (block['type'] === 'redacted_thinking') thoughts.push({ type: 'redacted_thinking', data: block['data'] });
    else if (block['type'] === 'tool_use') {
      spans ??= elementsAt(source, contentAt);
      const inputAt = valueAt(source, ['input'], spans[index]?.start ?? 0);
      const input = block['input'] === undefined || inputAt === undefined ? '{}' : valueText(source, inputAt);
      if (isJsonAsked && block['name'] === JSON_TOOL) text += input;
      else toolCalls.push({ id: block['id'], type: 'function', function: { name: block['name'], arguments: input } });
    }
  }

  const native =
    typeof body['stop_reason'] === 'string' ? body['stop_reason'] : toolCalls.length > 0 ? 'tool_use' : undefined;
  if (native === undefined) return malformed('The provider did not say why it stopped', reply.headers);
  const hasContent = text !== '' || reasoning !== '' || thoughts.length > 0 || toolCalls.length > 0;
  const finish = finishOfStop(native);
  if (finish.reason === 'content_filter' && !hasContent) {
    return { kind: 'failure', failure: { kind: 'content_filter', message: 'The provider filtered the whole answer' } };
  }
  // The JSON tool was our doing: to the caller the model just answered.
  if (finish.reason === 'tool_calls' && toolCalls.length === 0) finish.reason = 'stop';

  const usage = usageOf(mergedUsage(undefined, body['usage'])) ?? estimatedUsage(call, source.length);
  const answer: Answer = {
    kind: 'answer',
    text: JSON.stringify({
      id: call.id,
      object: 'chat.completion',
      created: call.createdAt,
      model: call.model,
      choices: [
        {
          index: 0,
          message: {
            role: 'assistant',
            content: text === '' && toolCalls.length > 0 ? null : text,
            ...(reasoning === '' ? {} : { reasoning_content: reasoning }),
            ...(thoughts.length === 0 ? {} : { thinking_blocks: thoughts }),
            ...(toolCalls.length === 0 ? {} : { tool_calls: toolCalls }),
            refusal: null,
          },
          logprobs: null,
          finish_reason: finish.reason,
          native_finish_reason: native,
        },
      ],
      usage: usageBody(usage),
    }),
    usage,
    finishes: [finish],
  };
  const requestId = requestIdOf(reply.headers);
  if (requestId !== undefined) answer.requestId = requestId;
  return answer;
}
