// `npm run bench:failover`: 10 calls a second for a minute, whatever happens, to a group of three deployments of which one
// rate-limits and one fails now and then; then with two of the three down for twenty seconds. The simulator plays the
// providers and says what it did: how long the model itself took, and who called while it had said "later".
//
//   --quick     15 s instead of 60     --seconds N     --only 1,3   scenarios by number
//   --peers     also Portkey and LiteLLM, in the same scenarios
//   --write     into docs/performance.md     --verbose   each call that failed or was late
//
// The status is 1 when Sluice misses a target.
import { parseArgs } from 'node:util';
import { contestants } from './failover/contestants.mjs';
import { isMet } from './failover/judge.mjs';
import { timeline } from './failover/timeline.mjs';
import { rehearse } from './failover/rehearse.mjs';
import { SCENARIOS } from './failover/scenarios.mjs';
import { bench, say } from './machine/processes.mjs';
import { markdownTable } from './report/markdown.mjs';
import { circumstances, writeToPage } from './report/performance-page.mjs';

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    seconds: { type: 'string' },
    only: { type: 'string' },
    peers: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
  },
});
const seconds = Number(options.seconds ?? (options.quick ? 15 : 60));
const HEAD = [
  '10 calls/s',
  'success',
  'average s',
  'P95 s',
  'P95 s of the models',
  'late calls',
  '429s',
  'over the model P50 ms',
  'P95 ms',
  'met',
];

await bench(async () => {
  const wanted = options.only?.split(',').map(Number);
  const rows = [];
  let isContent = true;
  for (const [index, scenario] of SCENARIOS.entries()) {
    if (wanted !== undefined && !wanted.includes(index + 1)) continue;
    for (const contestant of contestants({ withPeers: options.peers })) {
      say(`${scenario.name}: ${contestant.name}, ${seconds} s`);
      const figures = await rehearse(contestant, scenario, seconds);
      if (figures === undefined) continue; // it cannot be had on this machine
      const met = isMet(figures, scenario.target);
      if (contestant.name === 'Sluice') isContent &&= met;
      rows.push(rowOf(`${scenario.name}: ${contestant.name}`, figures, met));
      for (const [trouble, count] of figures.troubles) say(`  ${count} × ${trouble}`);
      if (options.verbose) tellMore(figures);
    }
  }
  const text = `${markdownTable(HEAD, rows)}\n\n${circumstances('bench:failover')}.`;
  process.stdout.write(`${text}\n`);
  if (options.write) writeToPage('failover', text);
  return isContent;
});

function rowOf(name, figures, met) {
  return [
    name,
    `${(figures.successShare * 100).toFixed(2)}%`,
    fixed(figures.averageMs / 1_000, 2),
    fixed(figures.p95Ms / 1_000, 2),
    fixed(figures.modelP95Ms / 1_000, 2),
    figures.lateCalls,
    figures.refusals,
    fixed(figures.overP50Ms, 1),
    fixed(figures.overMs, 1),
    met ? 'yes' : '**no**',
  ];
}

/** Where no call succeeded there is nothing to tell. */
function fixed(value, digits) {
  return Number.isFinite(value) ? value.toFixed(digits) : '–';
}

function tellMore({ sent, log, joined, providerCalls, late }) {
  say(`  ${providerCalls} calls at the providers, ${joined} joined with the caller's; by deployment and status:`);
  const counts = new Map();
  for (const { profile, status, outcome } of log) {
    const key = `${profile} ${status ?? outcome}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  say(`  ${[...counts].map(([key, count]) => `${key}: ${count}`).join(', ')}`);
  for (const line of timeline(sent, log)) say(`  ${line}`);
  for (const { profile, n, atMs } of late)
    say(`  late: call ${n} of the log at ${profile}, ${new Date(atMs).toISOString()}`);
  for (const { n, sentAtMs, durationMs, trouble } of sent.filter(({ isGood }) => !isGood)) {
    say(`  call ${n}, sent at ${(sentAtMs / 1_000).toFixed(1)} s, ${(durationMs / 1_000).toFixed(1)} s: ${trouble}`);
  }
}
