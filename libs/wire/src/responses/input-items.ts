import type { AskedBody } from '../endpoints/presentation.js';
import { recordOf, stringOf } from '../record-of.js';

type Item = Record<string, unknown> & { id: string };

const PREFIXES: Readonly<Record<string, string>> = {
  message: 'msg',
  function_call: 'fc',
  function_call_output: 'fco',
  reasoning: 'rs',
};

/**
 * What was asked, as items with an id each: those that came without one get one that follows from the job's and their place,
 * so that it is the same whenever they are listed.
 */
export function inputItems({ input }: AskedBody, jobId: string): Item[] {
  const items = typeof input === 'string' ? [{ role: 'user', content: input }] : Array.isArray(input) ? input : [];
  return items.map((value: unknown, i) => {
    const given = recordOf(value) ?? {};
    const type = stringOf(given['type']) ?? 'message';
    const id = stringOf(given['id']) ?? `${PREFIXES[type] ?? 'item'}_${jobId.slice(4)}_in${i}`;
    const content = typeof given['content'] === 'string' ? { content: textParts(given) } : {};
    return { ...given, ...content, id, type, status: given['status'] ?? 'completed' };
  });
}

function textParts({ role, content }: Readonly<Record<string, unknown>>): unknown[] {
  return role === 'assistant'
    ? [{ type: 'output_text', text: content, annotations: [] }]
    : [{ type: 'input_text', text: content }];
}
