import { readAsked } from '@sluice/wire';
import type { Call, ChatBody } from './adapter.js';
import { changeMembers, type Change } from '@sluice/core';

/**
 * The same call with other members of its body, in the client's own dialect; `null` takes one away. Source and parsed body
 * stay the same thing.
 */
export function callWithMembers(call: Call, members: Readonly<Record<string, unknown>>): Call {
  const changes = new Map<string, Change>();
  const body: Record<string, unknown> = { ...call.body };
  for (const [name, value] of Object.entries(members)) {
    if (value === null) {
      changes.set(name, 'remove');
      delete body[name];
    } else {
      changes.set(name, { value: JSON.stringify(value) });
      body[name] = value;
    }
  }
  const { own } = call;
  if (own !== undefined) return { ...call, ...readAsked(own.endpoint, changeMembers(own.source, changes), own.beta) };
  return { ...call, source: changeMembers(call.source, changes), body: body as ChatBody };
}
