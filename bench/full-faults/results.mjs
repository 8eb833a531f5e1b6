import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../machine/processes.mjs';
import { markdownTable } from '../report/markdown.mjs';

const FILE = join(root, 'bench', 'faults', 'full-size.json');

/** What was played last of each spec and row, whenever that was. */
export const writtenResults = () => (existsSync(FILE) ? JSON.parse(readFileSync(FILE, 'utf8')) : []);

/** Takes the place of what stands there of the same spec and rows. */
export function writeResults(results) {
  const key = ({ spec, rows }) => `${spec} ${rows.join(' ')}`;
  const all = new Map([...writtenResults(), ...results].map((result) => [key(result), result]));
  const sorted = [...all.values()].toSorted(
    (a, b) => Number(a.rows[0]?.slice(1) ?? 99) - Number(b.rows[0]?.slice(1) ?? 99) || key(a).localeCompare(key(b)),
  );
  writeFileSync(FILE, `${JSON.stringify(sorted, null, 2)}\n`);
  return sorted;
}

export function tableOf(results) {
  return markdownTable(
    ['row', 'played by', 'sizes and figures', 'seconds', 'passed'],
    results.map(({ rows, spec, told, seconds, passed, failed }) => [
      rows.join(' ') || '–',
      spec.replace(/^test\//, '').replace(/\.(?:fault|e2e)-spec\.ts$/, ''),
      told.map(sentenceOf).join('; '),
      seconds,
      failed === 0 ? `${passed}` : `**${failed} of ${passed + failed} failed**`,
    ]),
  );
}

function sentenceOf({ what, ...figures }) {
  const text = Object.entries(figures)
    .map(([name, value]) => `${wordsOf(name)} ${value}`)
    .join(', ');
  return what === undefined ? text : `${what}: ${text}`;
}

/** `p99LagMs` is read as "p99 lag ms". */
const wordsOf = (name) => name.replaceAll(/([a-z\d])([A-Z])/g, '$1 $2').toLowerCase();
