import { markdownTable } from '../report/markdown.mjs';
import { CONCURRENCIES } from './measure.mjs';

const MB = 1024 * 1024;
export const SPLIT = 'Sluice, api + worker';

/** @param results system name → rows of `mediansOf` */
export function tablesOf(results) {
  return `${callsTable(results)}\n\n${streamsTable(results)}\n\n${targetsTable(results)}`;
}

function callsTable(results) {
  const head = ['JSON calls', 'at once', 'calls/s', 'p50 ms', 'p99 ms', 'CPU s per 1,000', 'RSS MB', 'Redis RSS MB'];
  const rows = [];
  for (const [name, all] of results) {
    for (const concurrency of CONCURRENCIES) {
      const row = rowOf(all, 'json', concurrency);
      rows.push([
        concurrency === CONCURRENCIES[0] ? name : '',
        concurrency,
        whole(row.rps),
        fixed(row.p50Ms, 2),
        fixed(row.p99Ms, 1),
        fixed(row.cpuSeconds, 2),
        megabytes(row.appRssBytes),
        megabytes(row.redisRssBytes),
      ]);
    }
  }
  return markdownTable(head, rows);
}

function streamsTable(results) {
  const head = [
    'Streams',
    'first token at 1, ms',
    'over direct',
    'at 32, ms',
    'over direct',
    'streams/s, 50 chunks at once',
  ];
  head.push('CPU s per 1,000', 'RSS MB', 'Redis RSS MB');
  const direct = results.get('direct');
  const rows = [];
  for (const [name, all] of results) {
    const [one, many] = [1, 32].map((concurrency) => rowOf(all, 'paced', concurrency));
    const burst = rowOf(all, 'burst', 32);
    if (burst === undefined) continue;
    rows.push([
      name,
      fixed(one.firstP50Ms, 2),
      over(one, direct, 1),
      fixed(many.firstP50Ms, 2),
      over(many, direct, 32),
      whole(burst.rps),
      fixed(burst.cpuSeconds, 2),
      megabytes(burst.appRssBytes),
      megabytes(burst.redisRssBytes),
    ]);
  }
  return markdownTable(head, rows);
}

/** The targets for the split pair. */
function targetsTable(results) {
  const split = results.get(SPLIT);
  const direct = results.get('direct');
  if (split === undefined || direct === undefined) return '';
  const at = (phase, concurrency) => rowOf(split, phase, concurrency);
  const addedFirst = (concurrency) =>
    at('paced', concurrency).firstP50Ms - rowOf(direct, 'paced', concurrency).firstP50Ms;
  const highestRss = Math.max(...split.map(({ appRssBytes }) => appRssBytes)) / MB;
  const targets = [
    ['calls/s at 32', at('json', 32).rps, '≥', 2_500, 0],
    ['added p50 at 1, ms', at('json', 1).p50Ms - rowOf(direct, 'json', 1).p50Ms, '≤', 2, 2],
    ['CPU with Redis at 32, s per 1,000', at('json', 32).cpuSeconds, '≤', 0.6, 2],
    ['first token over direct at 1, ms', addedFirst(1), '≤', 4, 1],
    ['first token over direct at 32, ms', addedFirst(32), '≤', 8, 1],
    ['streams/s', at('burst', 32).rps, '≥', 1_000, 0],
    ['RSS of api + worker, MB', highestRss, '≤', 500, 0],
  ];
  const bare = results.get('bare path');
  if (bare !== undefined) {
    // The targets were set beside this path at 3,400-3,800 calls/s and 0.33-0.36 s: what they ask of the product itself.
    const of = rowOf(bare, 'json', 32);
    targets.push(['calls/s at 32, times the bare path', at('json', 32).rps / of.rps, '≥', 0.7, 2]);
    targets.push(['CPU at 32, times the bare path', at('json', 32).cpuSeconds / of.cpuSeconds, '≤', 1.75, 2]);
  }
  const portkey = results.get('Portkey');
  if (portkey !== undefined) {
    targets.push(['calls/s at 32, times Portkey', at('json', 32).rps / rowOf(portkey, 'json', 32).rps, '≥', 1.25, 2]);
  }
  const rows = targets.map(([what, value, sign, target, digits]) => {
    const isMet = sign === '≥' ? value >= target : value <= target;
    return [what, `${sign} ${target.toLocaleString('en')}`, fixed(value, digits), isMet ? 'yes' : '**no**'];
  });
  return markdownTable([`Targets (${SPLIT})`, 'target', 'measured', 'met'], rows);
}

/** Undefined where the system has no such phase. */
function rowOf(rows, phase, concurrency) {
  return rows.find((row) => row.phase === phase && row.concurrency === concurrency);
}

function over(row, direct, concurrency) {
  const base = direct === undefined ? undefined : rowOf(direct, 'paced', concurrency).firstP50Ms;
  return row.firstP50Ms === undefined || base === undefined ? '–' : `+${fixed(row.firstP50Ms - base, 2)}`;
}

const fixed = (value, digits) =>
  value === undefined
    ? '–'
    : value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
const whole = (value) => fixed(value, 0);
const megabytes = (bytes) => (bytes === 0 ? '–' : whole(bytes / MB));
