import { TEXT } from './scenarios.mjs';

/** Provider calls over the ideal number by this factor are hammering. */
const HAMMERING = 3;
/** Whatever was asked for, nobody waits longer: a hang. */
export const HANG_MS = 95_000;
/** A call that was on its way when the provider said "later" is nobody's fault. */
const GRACE_MS = 250;
const SCORES = ['fail', 'safe', 'partial', 'pass'];

/**
 * The worst of what its calls got, and of what the providers saw.
 * @param calls what callers got · `seen` the providers' logs by role, `first` and `second`
 */
export function judge({ ideal }, calls, seen) {
  const verdicts = [...calls.map((call) => judgeCall(ideal, call)), ...judgeProviders(ideal, seen)];
  const worst = Math.min(...verdicts.map(({ score }) => SCORES.indexOf(score)));
  const why = new Map();
  for (const { score, reason } of verdicts) if (score !== 'pass') why.set(reason, (why.get(reason) ?? 0) + 1);
  return {
    score: SCORES[worst],
    why: [...why].map(([reason, times]) => (times > 1 ? `${times} × ${reason}` : reason)),
  };
}

const verdict = (score, reason) => ({ score, reason });

export function judgeCall({ outcome, withinMs }, { endMs, looksWhole, text, code, status, trouble }) {
  if (trouble === 'hang') return verdict('fail', `no end within ${HANG_MS} ms`);
  if (looksWhole && text !== TEXT) return verdict('fail', 'another text than the answer, and it looks whole');
  if (!looksWhole && code === undefined) return verdict('fail', `broke off without an error (${trouble ?? status})`);
  if (!TEXT.startsWith(text)) return verdict('fail', 'another text than the answer');
  const isLate = endMs > withinMs;
  if (outcome === 'answer') {
    if (looksWhole) return isLate ? verdict('partial', `late (${Math.round(endMs / 100) / 10} s)`) : verdict('pass');
    return verdict('safe', `an error: ${code}`);
  }
  if (looksWhole) return verdict('partial', 'an answer where an error is right');
  if (outcome.includes(code))
    return isLate ? verdict('partial', `late (${Math.round(endMs / 100) / 10} s)`) : verdict('pass');
  return verdict('safe', `another error: ${code}`);
}

function* judgeProviders(ideal, seen) {
  for (const role of ['first', 'second']) {
    const requests = seen[role];
    const most = ideal[role];
    if (requests.length > most * HAMMERING) yield verdict('fail', `${role} hammered: ${requests.length} calls`);
    else if (requests.length > most)
      yield verdict('partial', `${role} was asked ${requests.length} times, not ${most}`);
    const failed = requests.filter(({ status }) => status !== 200).length;
    const mostFailed = ideal[`${role}Failed`] ?? Infinity;
    if (failed > mostFailed) yield verdict('partial', `${role} was asked ${failed} times in vain, not ${mostFailed}`);
    const early = earlyCalls(requests);
    if (early > 0) yield verdict('partial', `${role} was asked ${early} times before its Retry-After`);
    const hanging = requests.filter(({ endMs }) => endMs === null).length;
    if (hanging > 0) yield verdict('partial', `${role} is left with ${hanging} open calls`);
  }
}

/** Calls made after a 429 and before the time that it asked for. */
function earlyCalls(requests) {
  const shut = requests
    .filter(({ status, retryAfterMs }) => status === 429 && retryAfterMs !== null)
    .map(({ atMs, endMs, retryAfterMs }) => ({
      fromMs: atMs + (endMs ?? 0) + GRACE_MS,
      toMs: atMs + (endMs ?? 0) + retryAfterMs,
    }));
  return requests.filter(({ atMs }) => shut.some(({ fromMs, toMs }) => atMs > fromMs && atMs < toMs)).length;
}
