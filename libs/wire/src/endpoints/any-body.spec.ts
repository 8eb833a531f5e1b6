import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { chatFormOf } from './chat-form.js';
import { ENDPOINTS, presentationOf } from './endpoints.js';

const json = fc.jsonValue({ maxDepth: 3 });
const block = fc.record(
  {
    type: fc.constantFrom('text', 'image', 'document', 'tool_use', 'tool_result', 'thinking', 'search_result', 'new'),
    text: json,
    source: fc.oneof(
      json,
      fc.record({ type: fc.constantFrom('url', 'base64', 'text', 'content'), content: json, url: json }),
    ),
    content: json,
    input: json,
    id: json,
  },
  { requiredKeys: ['type'] },
);
const content = fc.oneof(fc.string(), fc.array(fc.oneof(block, json), { maxLength: 3 }), json);
const message = fc.oneof(fc.record({ role: fc.constantFrom('user', 'assistant', 'system', 'x'), content }), json);
const NAMES = [
  'system',
  'tools',
  'tool_choice',
  'thinking',
  'output_config',
  'metadata',
  'stop_sequences',
  'stream',
  'n',
];
const body = fc
  .tuple(
    fc.record({
      model: fc.oneof(fc.constant('g'), json),
      max_tokens: fc.oneof(fc.constant(9), json),
      messages: fc.oneof(fc.array(message, { maxLength: 3 }), json),
      prompt: fc.oneof(fc.string(), json),
      input: fc.oneof(fc.string(), json),
    }),
    fc.dictionary(fc.constantFrom(...NAMES), fc.oneof(json, content)),
  )
  .map(([required, more]) => ({ ...required, ...more }));

describe.each(ENDPOINTS)('any JSON object as the body of %s', (endpoint) => {
  it('is translated or refused, and never makes anything throw', () => {
    fc.assert(
      fc.property(body, (asked) => {
        const made = presentationOf(endpoint)!.toChat(asked);
        if (made.kind === 'refused' || made.runsAsAsked !== true) return;
        expect(JSON.stringify(chatFormOf(endpoint, asked).body)).toBe(JSON.stringify(made.body));
      }),
      { numRuns: 300 },
    );
  });
});
