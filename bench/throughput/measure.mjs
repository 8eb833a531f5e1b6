import { load, proveItAnswers } from '../load/load.mjs';
import { costOf, watchMemory } from '../machine/process-cost.mjs';

export const CONCURRENCIES = [1, 8, 32, 128];
/** Until the compilers of hot code are done, a phase would measure them too. */
const WARM_UP_SECONDS = 8;

/**
 * All phases of one system in one round, after a warm-up.
 * @param system origin and headers, or a load of its own · pids: the processes that are paid for; none for `direct`
 * @returns rows {phase: json|burst|paced, concurrency, rps, p50Ms, p99Ms, firstP50Ms, firstP99Ms, errors, cpuSeconds per
 * 1,000 calls, appRssBytes, redisRssBytes}
 */
export async function measure(system, seconds) {
  const drive = system.load ?? ((phase) => load({ ...system, ...phase }));
  const speaksHttp = system.load === undefined;
  if (speaksHttp) await proveItAnswers(system, ['json', 'burst', 'paced']);
  await drive({ kind: 'json', concurrency: 32, seconds: WARM_UP_SECONDS });

  const phases = CONCURRENCIES.map((concurrency) => ({ kind: 'json', concurrency, seconds }));
  if (speaksHttp) {
    phases.push({ kind: 'burst', concurrency: 32, seconds });
    phases.push({ kind: 'paced', concurrency: 1, seconds }, { kind: 'paced', concurrency: 32, seconds });
  }
  const rows = [];
  for (const phase of phases) rows.push(await measurePhase(drive, phase, system.pids));
  return rows;
}

async function measurePhase(drive, phase, pids) {
  const before = costOf(pids);
  const memory = watchMemory(pids);
  const result = await drive(phase);
  const cpuMs = costOf(pids).cpuMs - before.cpuMs;
  const cpuSeconds = pids.length === 0 ? undefined : cpuMs / Math.max(1, result.calls);
  return { phase: phase.kind, concurrency: phase.concurrency, ...result, cpuSeconds, ...memory.stop() };
}

/**
 * One row for each phase: the median over the rounds of each figure; the highest memory; the sum of the errors.
 * @param rounds rows of `measure`, a list for each round
 */
export function mediansOf(rounds) {
  return rounds[0].map((first, index) => {
    const rows = rounds.map((rows) => rows[index]);
    const row = { phase: first.phase, concurrency: first.concurrency };
    for (const figure of ['rps', 'p50Ms', 'p99Ms', 'firstP50Ms', 'firstP99Ms', 'cpuSeconds']) {
      row[figure] = median(rows.map((one) => one[figure]).filter((value) => typeof value === 'number'));
    }
    for (const figure of ['appRssBytes', 'redisRssBytes']) row[figure] = Math.max(...rows.map((one) => one[figure]));
    row.errors = rows.reduce((sum, one) => sum + one.errors, 0);
    row.troubles = rows.flatMap(({ troubles = {} }) => Object.entries(troubles)).filter(([, count]) => count > 0);
    return row;
  });
}

function median(values) {
  if (values.length === 0) return undefined;
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
