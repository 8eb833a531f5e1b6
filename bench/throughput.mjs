// `npm run bench`: what a call costs on its way through Sluice, beside no gateway at all, BullMQ alone and, with --peers, two
// other gateways; all against one upstream that answers at once, in one run. Each system is started, warmed up, measured and
// stopped, in turns; a figure is the median of the rounds.
//
//   --quick     phases of 2 s and one round, to see that it works; the figures mean little
//   --seconds N length of a phase (6)     --rounds N (2)     --only a,b   systems whose name contains one of these
//   --peers     also Portkey and LiteLLM, installed into bench/.peers
//   --long      also 100,000 calls, and whether memory stays flat
//   --write     into docs/performance.md
//
// The status is 1 when a call failed or memory grew; a missed target is told, but may be the machine's fault.
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadTool } from './load/load.mjs';
import { bench, launch, node, root, say } from './machine/processes.mjs';
import { circumstances, writeToPage } from './report/performance-page.mjs';
import { contestants } from './throughput/contestants.mjs';
import { longRun } from './throughput/long-run.mjs';
import { measure, mediansOf } from './throughput/measure.mjs';
import { tablesOf } from './throughput/tables.mjs';

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    seconds: { type: 'string' },
    rounds: { type: 'string' },
    only: { type: 'string' },
    peers: { type: 'boolean', default: false },
    long: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
});
const seconds = Number(options.seconds ?? (options.quick ? 2 : 6));
const rounds = Number(options.rounds ?? (options.quick ? 1 : 2));

await bench(async () => {
  const upstream = await launch('upstream', node, [join(root, 'bench', 'load', 'upstream.mjs')], {
    ready: /upstream at (\S+)/,
  });
  const origin = upstream.match[1];
  const results = await measureInTurns(origin);
  const failed = [...results].flatMap(([name, rows]) =>
    rows.filter(({ errors }) => errors > 0).map((row) => ({ name, row })),
  );
  for (const { name, row } of failed) {
    const { phase, concurrency, errors, troubles } = row;
    say(
      `${name}: ${errors} calls failed (${phase}, ${concurrency} at once): ${troubles.map((one) => one.join(' ')).join(', ')}`,
    );
  }

  const rounded = `${rounds} round${rounds === 1 ? '' : 's'}, phases of ${seconds} s, load by ${loadTool}`;
  const parts = [tablesOf(results), `${circumstances('bench')}; ${rounded}.`];
  const long = options.long ? await longRun(origin) : undefined;
  if (long !== undefined) parts.push(long.text);
  const text = parts.join('\n\n');
  process.stdout.write(`${text}\n`);
  if (options.write) writeToPage('bench', text);
  return failed.length === 0 && (long?.isFlat ?? true);
});

/** @returns system name → its rows, medians over the rounds */
async function measureInTurns(upstream) {
  const wanted = options.only?.split(',');
  const systems = contestants(upstream, { withPeers: options.peers }).filter(
    ({ name }) => wanted === undefined || wanted.some((part) => name.includes(part)),
  );
  const measured = new Map();
  for (let round = 1; round <= rounds; round++) {
    for (const { name, start } of systems) {
      const system = await start();
      if (system === undefined) continue;
      say(`round ${round}: ${name}`);
      const rows = await measure(system, seconds);
      await system.stop();
      measured.set(name, [...(measured.get(name) ?? []), rows]);
    }
  }
  return new Map([...measured].map(([name, all]) => [name, mediansOf(all)]));
}
