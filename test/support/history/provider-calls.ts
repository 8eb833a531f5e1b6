import type { Asked, Entry } from './entry.js';
import { entriesThat } from './entries-that.js';

/** The simulator's log forgets older calls. */
const MOST_ASKED = 100_000;
/** Between a 429 and the last worker that hears of it. */
const SPREAD_MS = 300;

/**
 * I3: no provider call starts once its job has its end.
 * I4: nobody has an answer that no provider gave to its last byte.
 * I6: nobody calls a deployment in the time for which it asked to be left alone.
 * @param lateMs by which the observer may have been late to see a thing
 */
export function* callsThatBreak(log: readonly Entry[], lateMs: number): Generator<string> {
  const asked = entriesThat(log)('asked');
  if (asked.length === 0) return; // played without a provider
  const byPrompt = Map.groupBy(asked, ({ prompt }) => prompt);
  const wholeOf = (prompt: string | undefined): number =>
    (byPrompt.get(prompt) ?? []).filter(({ isWhole }) => isWhole).length;
  const forgotten = asked.length < MOST_ASKED ? wholeOf(undefined) : Infinity;
  for (const [prompt, { lastEndMs, answers }] of endsByPrompt(log)) {
    const late = byPrompt.get(prompt)?.find(({ atMs }) => atMs > lastEndMs + lateMs);
    if (late !== undefined) yield `I3 "${prompt}" was asked ${late.atMs - lastEndMs} ms after its end was seen`;
    const given = wholeOf(prompt) + forgotten;
    if (answers > given) yield `I4 "${prompt}" has ${answers} answers, and the provider gave ${given}`;
  }
  for (const [deployment, asks] of Map.groupBy(asked, (ask) => ask.deployment)) {
    yield* callsWhileBlocked(deployment, asks, SPREAD_MS + lateMs);
  }
}

/** Jobs that ask the same are one: of them the last end counts, and prompts with a call of which nothing is known are left out. */
function endsByPrompt(log: readonly Entry[]): Map<string, { lastEndMs: number; answers: number }> {
  const of = entriesThat(log);
  const ends = Map.groupBy(of('ended'), ({ job }) => job);
  const prompts = new Map<string, { lastEndMs: number; answers: number }>();
  const note = (prompt: string | undefined, endMs: number, isAnswer = false): void => {
    if (prompt === undefined) return;
    const known = prompts.get(prompt) ?? { lastEndMs: 0, answers: 0 };
    known.lastEndMs = Math.max(known.lastEndMs, endMs);
    if (isAnswer) known.answers++;
    prompts.set(prompt, known);
  };
  const counted = new Set<string>();
  for (const { job, prompt } of of('accepted')) {
    if (counted.has(job)) continue;
    counted.add(job);
    const seen = ends.get(job) ?? [];
    const isAnswer = seen.some(({ state }) => state === 'completed');
    note(prompt, Math.min(...seen.map(({ atMs }) => atMs)), isAnswer); // Infinity: none was seen
  }
  for (const { prompt, atMs } of of('refused')) note(prompt, atMs);
  for (const { prompt } of of('cut')) note(prompt, Infinity);
  const uploads = new Map(of('uploaded').map(({ file, lines }) => [file, lines]));
  for (const [, seen] of Map.groupBy(of('batch'), ({ batch }) => batch)) {
    const over = seen.find(({ isOver }) => isOver);
    const answered = new Set(
      of('lines')
        .findLast(({ file }) => file === over?.files[0])
        ?.lines.map(({ id }) => id),
    );
    for (const { id, prompt } of uploads.get(seen[0]!.input) ?? []) {
      note(prompt, over?.atMs ?? Infinity, answered.has(id));
    }
  }
  return prompts;
}

function* callsWhileBlocked(deployment: string, asks: readonly Asked[], slackMs: number): Generator<string> {
  for (const { blocked } of asks) {
    if (blocked === undefined) continue;
    const [fromMs, untilMs] = [blocked.fromMs + slackMs, blocked.untilMs - slackMs];
    const early = asks.filter(({ atMs }) => atMs > fromMs && atMs < untilMs);
    if (early.length > 0) {
      const [first] = early;
      yield `I6 ${deployment} was called ${early.length} times while it wanted to be left alone, ${first!.atMs - blocked.fromMs} ms into ${blocked.untilMs - blocked.fromMs}`;
    }
  }
}
