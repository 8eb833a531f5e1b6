const STEP_MS = 2_000;

/**
 * What happened every two seconds: calls sent and ended well by the caller's clock, and what each deployment was asked for and
 * how it answered, by the simulator's.
 */
export function timeline(sent, log) {
  const firstMs = Math.min(...log.map(({ atMs }) => atMs));
  const steps = new Map();
  const count = (atMs, what) => {
    const step = Math.floor(atMs / STEP_MS);
    const counts = steps.get(step) ?? steps.set(step, new Map()).get(step);
    counts.set(what, (counts.get(what) ?? 0) + 1);
  };
  for (const { sentAtMs, durationMs, isGood } of sent) {
    count(sentAtMs, 'sent');
    count(sentAtMs + durationMs, isGood ? 'good' : 'FAILED');
  }
  for (const { atMs, profile, status, outcome } of log) count(atMs - firstMs, `${profile} ${status ?? outcome}`);
  return [...steps]
    .toSorted(([a], [b]) => a - b)
    .map(([step, counts]) => {
      const told = [...counts].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([what, times]) => `${what} ${times}`);
      return `${String((step * STEP_MS) / 1_000).padStart(3)} s: ${told.join(', ')}`;
    });
}
