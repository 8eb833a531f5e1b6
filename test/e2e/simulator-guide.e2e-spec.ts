import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createSimulator, type Simulator } from '../../apps/simulator/src/create-simulator.js';
import { FAULT_MEMBERS } from '../../apps/simulator/src/script/fault.js';
import { readScript } from '../../apps/simulator/src/script/script.js';

const GUIDE = readFileSync(join(import.meta.dirname, '../../docs/simulator.md'), 'utf8');
const run = promisify(execFile);

let simulator: Simulator;
beforeAll(async () => {
  simulator = await createSimulator();
});
afterAll(() => simulator.stop());

/** Names in the first column of the tables under a heading that begins with these words. */
const namesUnder = (heading: string): string[] => {
  const rows: string[] = [];
  for (const table of GUIDE.split(/\n\n/).filter((part) => part.startsWith(`| ${heading} |`))) {
    rows.push(...table.split('\n').slice(2));
  }
  return rows.flatMap((row) => [...(row.split('|')[1] ?? '').matchAll(/`([\w.]+)`/g)].map(([, name]) => name!));
};

/** `answer.text` and the like; rules and lists count as one. */
const leaves = (value: object, at = ''): string[] =>
  Object.entries(value).flatMap(([name, member]: [string, unknown]) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? leaves(member, `${at}${name}.`)
      : [`${at}${name}`],
  );

describe('docs/simulator.md', () => {
  it('names every member of a script, a rule and a fault, and no others', () => {
    const script = readScript({ rules: [{ do: 'ok' }] });
    expect(namesUnder('Member').toSorted()).toEqual(leaves({ ...script }).toSorted());
    expect(namesUnder('Member of a rule').toSorted()).toEqual(leaves(script.rules[0]!).toSorted());
    // Two modifiers stand in the rows of what they modify.
    expect(namesUnder('Member of `do`').toSorted()).toEqual(
      FAULT_MEMBERS.filter((name) => name !== 'stallMs' && name !== 'cutHow').toSorted(),
    );
  });

  it('prints examples that run, and what they print', async () => {
    const examples = [...GUIDE.matchAll(/```sh run\n([^]*?)```\n```\n([^]*?)```/g)];
    expect(examples).toHaveLength(3);
    for (const [, script, printed] of examples) {
      const { stdout } = await run('sh', [
        '-c',
        `${script!.replaceAll('http://127.0.0.1:4001', simulator.origin)}true`,
      ]); // curl minds a reset
      expect(`${stdout.trimEnd()}\n`).toBe(printed);
    }
  });
});
