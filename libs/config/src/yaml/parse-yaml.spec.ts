import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { plainValueOf } from './node.js';
import { parseYaml } from './parse-yaml.js';

const valueOf = (text: string): unknown => {
  const parsed = parseYaml(text, 'a.yaml');
  return parsed.kind === 'parsed' ? plainValueOf(parsed.root) : parsed.problems;
};

describe('a file that is not a configuration', () => {
  it.each<[string, string, number, RegExp]>([
    ['a tab as indentation', 'a:\n  b: 1\nc:\n\td: 2\n', 4, /tab is used as indentation/],
    ['a tab after spaces', 'a:\n  - b: 1\n  \tc: 2\n', 3, /tab is used as indentation/],
    ['an empty file', '', 1, /empty/],
    ['only comments', '# nothing\n', 1, /empty/],
    ['only a document start', '---\n', 1, /empty/],
    ['a list at the top', '# models\n- a\n', 2, /must hold a map/],
    ['a word at the top', 'hello\n', 1, /must hold a map/],
    ['an open quote', 'a: "x\n', 2, /not closed/],
    ['an open bracket', 'a: [1\nb: 2\n', 2, /indentation/],
    ['two colons', 'a: 1\nb: c: d\n', 2, /second ": "/],
    ['a reserved character', 'a: 1\nb: @c\n', 2, /reserves/],
    ['an unknown alias', 'a: 1\nb: *c\n', 2, /no anchor/],
    ['an alias that contains itself', 'a: &a\n  b: *a\n', 2, /contains itself/],
    ['a Python tag', 'a: 1\nb: !!python/object:os.system x\n', 2, /tag/],
    ['a list as a key', 'a: 1\n[b]: 2\n', 2, /key must be a word/],
    ['a second document', 'a: 1\n---\nb: 2\n', 2, /second YAML document/],
    ['a merge of no map', 'a: &x 1\nb:\n  <<: *x\n', 3, /"<<" must name a map/],
  ])('%s is told with its line', (_, text, line, reason) => {
    expect(valueOf(text)).toEqual([
      expect.objectContaining({ line, reason: expect.stringMatching(reason) as unknown as string }),
    ]);
  });

  it('that unfolds without end is refused', () => {
    const levels = Array.from({ length: 12 }, (_, i) =>
      i === 0
        ? 'l0: &l0 [x, x, x, x, x, x]'
        : `l${i}: &l${i} [${Array.from({ length: 6 }, () => `*l${i - 1}`).join(', ')}]`,
    );
    expect(valueOf(levels.join('\n'))).toEqual([
      expect.objectContaining({ reason: 'the file unfolds to too many values' }),
    ]);
  });

  it('never shows its text in the problem, and never throws', () => {
    const secret = 'sk-SECRETsecret';
    const pieces = fc.constantFrom(
      'a: ',
      '"',
      "'",
      '\n',
      '  ',
      '\t',
      '- ',
      '[',
      '{',
      '}',
      ': ',
      '*',
      '&',
      '!',
      '|',
      '\\x',
      '%',
      '#',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(pieces, fc.constant(secret)), { maxLength: 30 }), (parts) => {
        const parsed = parseYaml(parts.join(''), 'a.yaml');
        if (parsed.kind === 'parsed') return;
        const told = parsed.problems.map(({ reason, advice }) => reason + advice).join();
        expect(told).not.toContain('SECRET');
      }),
      { numRuns: 5_000 },
    );
  });
});

describe('a map', () => {
  it('keeps the last of a repeated key, and remembers the others', () => {
    const parsed = parseYaml('a: 1\nb: 2\na: 3\n', 'a.yaml');
    expect(parsed).toMatchObject({ kind: 'parsed', root: { repeated: [{ value: 1, place: { line: 1, path: 'a' } }] } });
    expect(valueOf('a: 1\nb: 2\na: 3\n')).toEqual({ a: 3, b: 2 });
  });

  it('takes merged keys where it has none of its own', () => {
    expect(valueOf('d: &d {x: 1, y: 1}\ne: &e {y: 2, z: 2}\nf:\n  <<: [*d, *e]\n  x: 3\n')).toMatchObject({
      f: { x: 3, y: 1, z: 2 },
    });
  });

  it('says where a merged value was written, and what it is part of', () => {
    const parsed = parseYaml('d: &d\n  x: 1\nf:\n  <<: *d\n', 'a.yaml');
    const f = parsed.kind === 'parsed' ? parsed.root.entries.get('f') : undefined;
    expect(f).toMatchObject({ kind: 'map' });
    expect(f?.kind === 'map' && f.entries.get('x')?.place).toEqual({ file: 'a.yaml', line: 2, path: 'f.x' });
  });

  it('reads quoted and tagged words as text', () => {
    expect(valueOf('\uFEFFa: "yes"\nb: !!str 12\nc: !!int "12"\nd: |\n  x\n')).toEqual({
      a: 'yes',
      b: '12',
      c: 12,
      d: 'x\n',
    });
  });
});

describe('half a character, as only an escape can write it', () => {
  it.each([
    ['model_list:\n  - model_name: "s\\uD800t"\n', 2, 'model_list[0].model_name'],
    ['model_list:\n  - model_info:\n      id: "\\uDC00"\n', 3, 'model_list[0].model_info.id'],
    ['router_settings:\n  model_group_alias:\n    "\\uDE00\\uD83D": gpt-4o\n', 3, 'router_settings.model_group_alias'],
    ['a: &x "\\uD800"\nb: *x\n', 1, 'a'],
  ])('%j is refused with its line', (text, line, path) => {
    expect(parseYaml(text, 'a.yaml')).toEqual({
      kind: 'broken',
      problems: [{ line, path, reason: expect.stringContaining('half a character'), advice: expect.any(String) }],
    });
  });

  it('is none when both halves are there', () => {
    expect(valueOf('a: "\\uD83D\\uDE00"\n')).toEqual({ a: '😀' });
  });
});
