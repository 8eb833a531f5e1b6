// `npm run test:faults [-- F07 F12 …]`: the faults of FAULTS.md 2 at full size, one after the other, each by its specs in
// test/faults, by the tests in test/e2e that have the row in their name, or by a measurement. Prints a table of what was played,
// with the sizes and figures that its tests told. The status is 1 when any of it failed.
//
//   F07, resume   rows, or pieces of file names (all)
//   --quick       at the size of `npm test`
//   --list        what would be played
//   --write       into bench/faults/full-size.json and docs/faults.md, with commit and machine
//   --verbose     all that the tests say, as they say it
import { parseArgs } from 'node:util';
import { play } from './full-faults/play.mjs';
import { tableOf, writeResults } from './full-faults/results.mjs';
import { playsOf } from './full-faults/specs-of-rows.mjs';
import { bench, say } from './machine/processes.mjs';
import { commit, day, machine, writeToPage } from './report/performance-page.mjs';

const { values: options, positionals: picks } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
  },
});

await bench(async () => {
  const plays = playsOf(picks, options.quick);
  if (options.list) {
    for (const { rows, spec } of plays) process.stdout.write(`${rows.join(' ') || '–'}  ${spec}\n`);
    return true;
  }
  const results = [];
  const circumstances = { commit: commit(), day: day(), machine: machine() };
  for (const each of plays) {
    say(`${each.rows.join(' ') || '–'} ${each.spec} …`);
    const { said, ...result } = await play(each, { isQuick: options.quick, verbose: options.verbose });
    say(`    ${result.failed === 0 ? `${result.passed} passed` : `${result.failed} failed`}, ${result.seconds} s`);
    if (result.failed > 0 && !options.verbose) say(said);
    results.push({ rows: each.rows, spec: each.spec, ...result, ...circumstances });
    if (options.write) writeToPage('full-size', pageOf(writeResults(results)), 'faults.md');
  }
  process.stdout.write(
    `${tableOf(results)}\n\n${circumstances.machine}; ${circumstances.day}, commit ${circumstances.commit}.\n`,
  );
  return results.every(({ failed }) => failed === 0);
});

/** Rows may have been played at different commits. */
function pageOf(results) {
  const { machine: where } = results.at(-1);
  const [first, last] = [
    results.map((each) => each.day).toSorted()[0],
    results
      .map((each) => each.day)
      .toSorted()
      .at(-1),
  ];
  const commits = [...new Set(results.map((each) => each.commit))];
  const when = first === last ? first : `${first} to ${last}`;
  return `${tableOf(results)}\n\n${where}; ${when}, commit ${commits.join(', ')}; \`npm run test:faults -- --write\`.`;
}
