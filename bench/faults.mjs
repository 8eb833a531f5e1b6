// `npm run bench:faults`: sixteen ways in which a provider can fail, each played by the simulator to a gateway with a timeout of
// 30 s, 2 retries and one fallback, as JSON calls and as streams. What the caller got and what the providers saw gives a score:
//
//   pass     the ideal outcome: the whole answer in time, or the one error that is right, and no provider asked in vain
//   partial  the whole answer, but late, or with more provider calls than it needed
//   safe     no answer, but one clear error in time, and no provider hammered
//   fail     a hang, a cut answer that looks whole, a wrong text, no error where one is due, or a provider hammered
//
//   --quick     one process only, without the scenarios that last a minute
//   --only 1,3  scenarios by number     --settings one,cluster,loaded
//   --write     into docs/faults.md     --verbose   what every call got and every provider saw
//
// The status is 1 when anything but `pass` was scored.
import { parseArgs } from 'node:util';
import { playAll } from './faults/play.mjs';
import { SCENARIOS } from './faults/scenarios.mjs';
import { SETTINGS } from './faults/settings.mjs';
import { bench, say } from './machine/processes.mjs';
import { markdownTable } from './report/markdown.mjs';
import { circumstances, writeToPage } from './report/performance-page.mjs';

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    settings: { type: 'string' },
    write: { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
  },
});
const numbers = options.only?.split(',').map(Number);
const wanted = SCENARIOS.filter(({ number, isLong }) => numbers?.includes(number) ?? !(options.quick && isLong));
const names = options.settings?.split(',') ?? (options.quick ? ['one'] : SETTINGS.map(({ name }) => name));

await bench(async () => {
  const settings = SETTINGS.filter(({ name }) => names.includes(name));
  const scores = new Map(); // scenario and form → score in each setting
  for (const setting of settings) {
    say(`${setting.title}: ${wanted.length} scenarios at once`);
    for (const played of await playAll(wanted, setting)) {
      const row = `${played.scenario.number}. ${played.scenario.name}, ${played.form}`;
      scores.set(row, [...(scores.get(row) ?? []), played.verdict.score]);
      if (played.verdict.score !== 'pass' || options.verbose) tell(row, setting, played);
    }
  }
  const all = [...scores.values()].flat();
  const count = (score) => all.filter((each) => each === score).length;
  const text = [
    markdownTable(
      ['scenario', ...settings.map(({ title }) => title)],
      [...scores].map(([row, each]) => [row, ...each.map((score) => (score === 'pass' ? score : `**${score}**`))]),
    ),
    `${all.length} scored: ${['pass', 'partial', 'safe', 'fail'].map((score) => `${count(score)} ${score}`).join(', ')}.`,
    `${circumstances('bench:faults')}.`,
  ].join('\n\n');
  process.stdout.write(`${text}\n`);
  if (options.write) writeToPage('faults', text, 'faults.md');
  return count('pass') === all.length;
});

function tell(row, setting, { verdict, calls, seen }) {
  say(`${verdict.score} · ${row} · ${setting.title}: ${verdict.why.join('; ') || 'as it should be'}`);
  const shown = options.verbose ? calls : calls.filter(({ isIdeal }) => !isIdeal).slice(0, 3);
  for (const { status, code, endMs, firstContentMs, text, looksWhole, trouble, servedBy } of shown) {
    const first = firstContentMs === undefined ? 'no content' : `content at ${Math.round(firstContentMs)} ms`;
    const end = `${looksWhole ? 'whole' : 'not whole'}, ${text.length} characters by ${servedBy ?? 'nobody'}`;
    say(`    ${status ?? 'no status'} ${code ?? ''} ${first}, end at ${Math.round(endMs)} ms, ${end} ${trouble ?? ''}`);
  }
  for (const [role, requests] of Object.entries(seen)) {
    const told = requests.map(({ sinceMs, status, outcome }) => `${sinceMs} ms: ${status ?? '–'} ${outcome ?? 'runs'}`);
    say(`    ${role} saw ${requests.length}: ${told.slice(0, options.verbose ? 40 : 8).join(', ')}`);
  }
}
