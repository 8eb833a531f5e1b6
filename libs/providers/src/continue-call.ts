import type { Call, ChatBody, Continuation, PrefillForm } from './adapter.js';
import { changeMembers, changeMembersAt, valueAt, valueText, type Change } from '@sluice/core';

/** Models that chat begin their replies without a space; what they write is put right behind the text. */
const GO_ON =
  'Your answer above was cut off. Continue it exactly where it stops, even in the middle of a sentence or word. ' +
  'Do not repeat any of it, do not comment on it and do not begin anew: your reply is appended to it as it stands, ' +
  'so begin with a space or line break if one is missing there.';

/** The call that asks for the rest of an answer. The client's own messages keep their bytes. */
export function continueCall(call: Call, { text, prefill, tokens }: Continuation): Call {
  const own = messageBefore(call.body);
  const said = { role: 'assistant', content: (own ?? '') + text, ...memberOf(prefill) };
  const added: Record<string, unknown>[] = prefill === undefined ? [said, { role: 'user', content: GO_ON }] : [said];
  const messages = [...(own === undefined ? call.body.messages : call.body.messages.slice(0, -1)), ...added];

  const body: Record<string, unknown> = { ...call.body, messages };
  const changes = new Map<string, Change>();
  for (const name of ['max_tokens', 'max_completion_tokens'] as const) {
    const limit = body[name];
    if (typeof limit !== 'number') continue;
    body[name] = Math.max(1, limit - tokens);
    changes.set(name, { value: String(body[name]) });
  }
  if (prefill === 'continue_final_message') {
    body['continue_final_message'] = true;
    body['add_generation_prompt'] = false;
    changes.set('continue_final_message', { value: 'true' }).set('add_generation_prompt', { value: 'false' });
  }
  const source = withMessages(changeMembers(call.source, changes), own === undefined, call.body.messages.length, added);
  return { ...call, source, body: body as ChatBody, inChat: true };
}

/** The client's own prefill: the answer so far goes on with it, and stands in the same message. */
function messageBefore({ messages }: ChatBody): string | undefined {
  const last = messages.at(-1);
  if (last?.['role'] !== 'assistant' || last['tool_calls'] !== undefined) return undefined;
  return typeof last['content'] === 'string' ? last['content'] : undefined;
}

const memberOf = (form: PrefillForm | undefined): Record<string, boolean> =>
  form === 'prefix' || form === 'partial' ? { [form]: true } : {};

function withMessages(
  source: string,
  isAppended: boolean,
  count: number,
  added: readonly Record<string, unknown>[],
): string {
  const merged = isAppended
    ? source
    : changeMembersAt(
        source,
        ['messages', count - 1],
        new Map(Object.entries(added[0]!).map(([key, value]) => [key, { value: JSON.stringify(value) }])),
      );
  const rest = isAppended ? added : added.slice(1);
  const start = valueAt(merged, ['messages']);
  if (rest.length === 0 || start === undefined) return merged;
  const end = start + valueText(merged, start).length - 1; // the closing bracket
  return `${merged.slice(0, end)},${rest.map((each) => JSON.stringify(each)).join(',')}${merged.slice(end)}`;
}
