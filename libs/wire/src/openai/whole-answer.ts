import { recordOf } from '../record-of.js';
import type { ChunkIdentity } from './chat-chunk.js';

type Members = Record<string, unknown>;

/**
 * Puts the chunks of a streamed answer together into the `chat.completion`, or of a completion the `text_completion`, that a
 * call without `stream` would have got. Unknown members are kept: text is joined, lists are appended to, of anything else the last counts.
 */
export class WholeAnswer {
  private readonly choices = new Map<number, { message: Members; rest: Members }>();
  private readonly top: Members = {};
  private usage: unknown;

  /** @param events SSE bytes of whole chunks; [DONE] is passed over */
  add(events: string): void {
    for (const event of events.split('\n\n')) {
      if (event.startsWith('data: {')) this.addChunk(JSON.parse(event.slice(6)) as Members);
    }
  }

  /** @param usage where the chunks have none */
  answer({ id, createdAt, model }: ChunkIdentity, usage: Members | undefined): Members {
    const choices = [...this.choices]
      .toSorted(([a], [b]) => a - b)
      .map(([index, { message, rest }]) => ({
        index,
        ...('text' in rest ? {} : { message: { role: 'assistant', content: null, ...message } }),
        logprobs: null,
        finish_reason: null,
        ...rest,
      }));
    const told = this.usage ?? usage;
    const object = this.top['object'] === 'text_completion' ? 'text_completion' : 'chat.completion';
    const head = { id, object, created: createdAt, model };
    return { ...head, ...this.top, object, choices, ...(told === undefined ? {} : { usage: told }) };
  }

  private addChunk({ choices, usage, ...top }: Members): void {
    Object.assign(this.top, top);
    this.usage = recordOf(usage) ?? this.usage;
    if (!Array.isArray(choices)) return;
    for (const each of choices) {
      const { index = 0, delta, ...rest } = recordOf(each) ?? {};
      const known = this.choices.get(index as number) ?? { message: {}, rest: {} };
      this.choices.set(index as number, known);
      for (const [name, value] of Object.entries(recordOf(delta) ?? {})) {
        if (name === 'role') known.message['role'] = value;
        else if (name === 'tool_calls') known.message[name] = withCalls(known.message[name], value);
        else known.message[name] = joined(known.message[name], value);
      }
      for (const [name, value] of Object.entries(rest)) {
        known.rest[name] = JOINED.has(name) ? joined(known.rest[name], value) : (value ?? known.rest[name] ?? null);
      }
    }
  }
}

/** Members of a choice that come in pieces beside its delta. */
const JOINED = new Set(['logprobs', 'text']);

/** Pieces of tool calls belong to the call of their index. */
function withCalls(before: unknown, pieces: unknown): Members[] {
  const calls = (before ?? []) as Members[];
  for (const piece of Array.isArray(pieces) ? (pieces as Members[]) : []) {
    const { index = 0, id, type, function: called, ...rest } = piece;
    const call = (calls[index as number] ??= { id: '', type: 'function', function: { name: '', arguments: '' } });
    if (typeof id === 'string' && id !== '') call['id'] = id;
    if (typeof type === 'string' && type !== '') call['type'] = type;
    call['function'] = joined(call['function'], called);
    Object.assign(call, rest);
  }
  return calls;
}

function joined(before: unknown, more: unknown): unknown {
  if (more === null || more === undefined) return before ?? null;
  if (typeof before === 'string' && typeof more === 'string') return before + more;
  if (Array.isArray(before) && Array.isArray(more)) return [...(before as unknown[]), ...(more as unknown[])];
  const [known, added] = [recordOf(before), recordOf(more)];
  if (known === undefined || added === undefined) return more;
  const both = { ...known };
  for (const [name, value] of Object.entries(added)) both[name] = joined(known[name], value);
  return both;
}
