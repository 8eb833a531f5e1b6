import { describe, expect, it } from '@jest/globals';
import { InputCheck } from './input-check.js';
import { ANTHROPIC_LINES, OPENAI_LINES } from './read-batch-line.js';

const URL = '/v1/chat/completions';
const line = (members: Record<string, unknown> = {}): string =>
  JSON.stringify({ custom_id: 'a', method: 'POST', url: URL, body: { model: 'm' }, ...members });

function problemsOf(texts: readonly (string | undefined)[], mostLines = 10): [number | null, string, string | null][] {
  const check = new InputCheck(OPENAI_LINES(URL), mostLines);
  texts.forEach((text, i) => check.push(i + 1, text));
  check.end();
  return check.problems.map(({ line: number, code, param }) => [number, code, param]);
}

describe('a file that is to be a batch', () => {
  it.each([
    ['good lines', [line(), line({ custom_id: 'b' })], []],
    ['no line at all', [], [[null, 'empty_file', null]]],
    ['no JSON', ['{"custom_id": "a"'], [[1, 'invalid_json_line', null]]],
    ['JSON that is no object', ['[1]'], [[1, 'invalid_json_line', null]]],
    ['no custom_id', [line({ custom_id: undefined })], [[1, 'missing_required_parameter', 'custom_id']]],
    ['an empty custom_id', [line({ custom_id: '' })], [[1, 'missing_required_parameter', 'custom_id']]],
    ['a custom_id that is a number', [line({ custom_id: 7 })], [[1, 'invalid_custom_id', 'custom_id']]],
    ['the same custom_id twice', [line(), line()], [[2, 'duplicate_custom_id', 'custom_id']]],
    ['another url', [line({ url: '/v1/embeddings' })], [[1, 'mismatched_url', 'url']]],
    ['no url', [line({ url: undefined })], [[1, 'missing_required_parameter', 'url']]],
    ['another method', [line({ method: 'GET' })], [[1, 'invalid_method', 'method']]],
    ['no method', [line({ method: undefined })], []],
    ['a bad body, which fails its line and not the batch', [line({ body: 'x' })], []],
    ['a line that is too large', [undefined], [[1, 'line_too_large', null]]],
  ] as const)('%s', (_, texts, expected) => {
    expect(problemsOf(texts)).toEqual(expected);
  });

  it('says which line had the id first', () => {
    const check = new InputCheck(OPENAI_LINES(URL), 10);
    check.push(3, line());
    check.push(8, line());
    expect(check.problems).toEqual([
      { code: 'duplicate_custom_id', line: 8, message: 'custom_id is that of line 3 already.', param: 'custom_id' },
    ]);
  });

  it('tells a hundred problems, and then stops', () => {
    const check = new InputCheck(OPENAI_LINES(URL), 1_000);
    for (let i = 1; i <= 150; i++) check.push(i, '{');
    expect(check.problems).toHaveLength(100);
    expect(check.isHopeless).toBe(true);
  });

  it('has so many lines at most', () => {
    const texts = ['a', 'b', 'c', 'd'].map((id) => line({ custom_id: id }));
    expect(problemsOf(texts, 3)).toEqual([[null, 'too_many_requests', null]]);
    expect(problemsOf(texts, 4)).toEqual([]);
  });

  it("has Anthropic's ids where it is Anthropic's", () => {
    const check = new InputCheck(ANTHROPIC_LINES, 10);
    check.push(1, '{"custom_id":"A_z-9","params":{}}');
    check.push(2, '{"custom_id":"no spaces","params":{}}');
    expect(check.problems.map(({ line: number, code }) => [number, code])).toEqual([[2, 'invalid_custom_id']]);
  });

  it('finds the one repeated id among 50,000', () => {
    const check = new InputCheck(OPENAI_LINES(URL), 50_000);
    for (let i = 1; i < 50_000; i++) check.push(i, line({ custom_id: `request-${i}` }));
    check.push(50_000, line({ custom_id: 'request-31415' }));
    check.end();
    expect(check.problems).toMatchObject([{ line: 50_000, message: 'custom_id is that of line 31415 already.' }]);
  });
});
