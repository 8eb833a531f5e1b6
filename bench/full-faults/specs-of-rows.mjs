import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { root } from '../machine/processes.mjs';

/** Rows that a measurement plays at full size, since its readers need processes of their own. */
const MEASURED = [{ rows: ['F24', 'F25'], script: 'bench/readers.mjs' }];

/**
 * What plays the faults of FAULTS.md 2: specs in test/faults, whole; tests elsewhere that have a row in their name; measurements.
 * @param picks rows (F7, f07) or pieces of file names; none: all of it
 * @param isQuick without what only the full size has
 * @returns rows · spec · names: a pattern for those tests of it that are meant, absent: all of them · script: no spec but this
 */
export function playsOf(picks, isQuick) {
  const all = [
    ...plays('test/faults', false),
    ...(isQuick ? [] : plays('test/faults/full', false)),
    ...plays('test/e2e', true),
  ];
  const measured = isQuick ? [] : MEASURED.map(({ rows, script }) => ({ rows, spec: script, script }));
  const wanted = [...all, ...measured].flatMap((play) => pickedOf(play, picks));
  const unknown = picks.filter((pick) => !wanted.some((play) => isPicked(play, pick)));
  if (unknown.length > 0) throw new Error(`Nothing plays ${unknown.join(', ')}.`);
  return wanted.toSorted((a, b) => numberOf(a) - numberOf(b) || a.spec.localeCompare(b.spec));
}

function plays(folder, byName) {
  return readdirSync(join(root, folder))
    .filter((file) => /\.(?:fault|e2e)-spec\.ts$/.test(file))
    .flatMap((file) => {
      const spec = `${folder}/${file}`;
      const ofFile = byName ? [] : [...(/^([fl]\d+)-/.exec(file)?.slice(1) ?? [])];
      const rows = [...new Set([...ofFile.map(rowOf), ...rowsInNames(readFileSync(join(root, spec), 'utf8'))])];
      return byName && rows.length === 0 ? [] : [{ rows, spec, byName }];
    });
}

/** Those in the names of tests: a quoted text, and behind it the test or the end of the line. */
function rowsInNames(text) {
  const names = text.matchAll(/['"`](.*\bF\d{1,2}\b.*)['"`],(?: (?:async )?\(|$)/gm);
  return [...names].flatMap(([, name]) => name.match(/\bF\d{1,2}\b/g));
}

/** F07 and f7 are F7. */
export const rowOf = (pick) => pick.toUpperCase().replace(/^([FL])0+/, '$1');

const isRow = (pick) => /^[fl]\d+$/i.test(pick);
const isPicked = ({ rows, spec }, pick) => (isRow(pick) ? rows.includes(rowOf(pick)) : basename(spec).includes(pick));

/** With a row picked, tests elsewhere are those of that row alone. */
function pickedOf({ byName, ...play }, picks) {
  const its = picks.filter((pick) => isPicked(play, pick));
  if (picks.length > 0 && its.length === 0) return [];
  if (byName !== true) return [play];
  const rows = its.length === 0 || its.some((pick) => !isRow(pick)) ? play.rows : its.map(rowOf);
  return [{ ...play, rows, names: `\\b(?:${rows.join('|')})\\b` }];
}

const numberOf = ({ rows }) => Number(rows[0]?.slice(1) ?? Infinity);
