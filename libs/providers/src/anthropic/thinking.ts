import type { ChatBody } from '../adapter.js';
import { recordOf } from '../provider-error.js';
import type { ModelTraits } from './model-traits.js';

const LEAST_BUDGET = 1_024;
const BUDGETS = new Map([
  ['none', 0],
  ['minimal', 1_024],
  ['low', 1_024],
  ['medium', 2_048],
  ['high', 4_096],
  ['xhigh', 8_192],
  ['max', 16_384],
]);

export interface ThinkingParams {
  thinking?: unknown;
  effort?: string;
  isOn: boolean;
}

/**
 * How long Claude shall think. A client's own `thinking` beats the effort, a forced tool beats both; the budget stays below
 * max_tokens, which is never raised. Source: WIRE.md 3, WIRE-SAMPLES.md A.
 */
export function thinkingParams(
  body: ChatBody,
  traits: ModelTraits,
  maxTokens: number,
  isForced: boolean,
): ThinkingParams {
  if (isForced) return { isOn: false };
  const own = recordOf(body['thinking']);
  if (own !== undefined) return { thinking: own, isOn: own['type'] !== 'disabled' };
  const effort = body['reasoning_effort'];
  if (typeof effort !== 'string' || effort === 'none' || traits.thinking === 'none') return { isOn: false };
  if (traits.thinking === 'adaptive') {
    return {
      thinking: { type: 'adaptive', display: 'summarized' },
      effort: effort === 'minimal' ? 'low' : effort,
      isOn: true,
    };
  }
  const budget = Math.min(BUDGETS.get(effort) ?? 0, maxTokens - 1);
  if (budget < LEAST_BUDGET || hasUnthoughtToolCall(body)) return { isOn: false };
  return { thinking: { type: 'enabled', budget_tokens: budget }, isOn: true };
}

/**
 * With a budget, Anthropic answers 400 when the turn under way called tools and its thoughts are missing; clients of OpenAI's
 * dialect do not send them back. Better no thinking for that turn than no answer.
 */
function hasUnthoughtToolCall(body: ChatBody): boolean {
  const last = body.messages.findLast(({ role }) => role !== 'tool' && role !== 'function');
  return last?.['role'] === 'assistant' && Array.isArray(last['tool_calls']) && !Array.isArray(last['thinking_blocks']);
}
