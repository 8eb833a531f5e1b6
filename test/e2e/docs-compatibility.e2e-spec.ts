import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';

const ROOT = join(import.meta.dirname, '..', '..');
const PAGE = readFileSync(join(ROOT, 'docs', 'compatibility.md'), 'utf8');
const ROWS = [...PAGE.matchAll(/^\|.*\| \[[a-z]+\]\(\.\.\/(test\/[^)]+)\): (.+) \|$/gm)].map(
  ([, file, title]) => [file!, title!] as const,
);
const TESTS = new Map(ROWS.map(([file]) => [file, readFileSync(join(ROOT, file), 'utf8')]));

describe('docs/compatibility.md', () => {
  it('has a test in each row', () => {
    const rows = PAGE.split('\n').filter((line) => line.startsWith('|') && !/^\|(?:-| Call )/.test(line));
    expect(rows.length).toBe(ROWS.length);
  });

  it.each(ROWS)('%s has: %s', (file, title) => {
    const source = TESTS.get(file)!;
    expect(file.endsWith('.py') ? source.includes(`def ${title}(`) : source.includes(`('${title}'`)).toBe(true);
  });
});
