import { numberIn } from './open-loop.mjs';

/** A call that was on its way when the provider said "later" is nobody's fault. */
const GRACE_MS = 250;

/**
 * Calls made to a deployment that had said when to come back, before that time and more than 250 ms after it was said.
 * @param log the simulator's request log, oldest first
 */
export function lateCalls(log) {
  const windows = log
    .filter(({ status }) => status === 429)
    .map(({ profile, atMs, endMs, retryAfterMs }) => {
      const saidAtMs = atMs + (endMs ?? 0);
      // The header says whole seconds, rounded up.
      return { profile, fromMs: saidAtMs + GRACE_MS, toMs: saidAtMs + Math.ceil(retryAfterMs / 1_000) * 1_000 };
    });
  return log.filter(({ profile, atMs }) =>
    windows.some((window) => window.profile === profile && atMs > window.fromMs && atMs < window.toMs),
  );
}

/** How much longer each good call took than the model that served it, in ms, ascending. */
export function timesOver(calls, log) {
  const drawn = new Map();
  for (const { status, drawnMs, body } of log) if (status === 200) drawn.set(numberIn(body), drawnMs);
  return calls
    .filter(({ n, isGood }) => isGood && drawn.has(n))
    .map(({ n, durationMs }) => durationMs - drawn.get(n))
    .sort((a, b) => a - b);
}

/** All figures of one run. */
export function judge(calls, log) {
  const good = calls.filter(({ isGood }) => isGood);
  const durations = good.map(({ durationMs }) => durationMs).sort((a, b) => a - b);
  const over = timesOver(calls, log);
  const late = lateCalls(log);
  const troubles = new Map();
  for (const { trouble, isGood } of calls) if (!isGood) troubles.set(trouble, (troubles.get(trouble) ?? 0) + 1);
  return {
    calls: calls.length,
    successShare: good.length / calls.length,
    averageMs: durations.reduce((sum, ms) => sum + ms, 0) / durations.length,
    p95Ms: percentile(durations, 0.95),
    modelP95Ms: percentile(drawnBy(log), 0.95),
    lateCalls: late.length,
    late,
    overP50Ms: percentile(over, 0.5),
    overMs: percentile(over, 0.95),
    joined: over.length,
    providerCalls: log.length,
    refusals: log.filter(({ status }) => status === 429).length,
    troubles,
  };
}

export function isMet(figures, target) {
  return (
    figures.successShare >= target.successShare &&
    (target.lateCalls === undefined || figures.lateCalls <= target.lateCalls) &&
    (target.overMs === undefined || figures.overMs <= target.overMs)
  );
}

/** What calls that went straight to the models would have taken. */
const drawnBy = (log) => log.flatMap(({ status, drawnMs }) => (status === 200 ? [drawnMs] : [])).sort((a, b) => a - b);

const percentile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
