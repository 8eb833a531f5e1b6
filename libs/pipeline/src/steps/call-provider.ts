import { HEDGE_START, hedgeAfter, hedgeDelayMs, rescueOf, takenOver, type HedgeEvent, type Racer } from '@sluice/core';
import type { Run, RunDeps } from '../run-deps.js';
import { accountAttempt, releaseLease, settleLoser } from './account-attempt.js';
import { askAnother } from './ask-another.js';
import type { Dispatched } from './dispatch.js';
import { sumOf } from './go-on.js';
import type { Attempt } from './attempt.js';
import { endLoser } from './logged-attempt.js';
import { openAttempt, type OpenAttempt } from './open-attempt.js';

/** The attempt that counts, and whose it was: with a hedge it may be another's than the one that was dispatched first. */
export interface Called {
  dispatched: Dispatched;
  attempt: Attempt;
}

/**
 * Asks the leased deployment. When nothing has come of it for unusually long, and the budget allows, another one is asked as
 * well: the first content wins, and the other is closed. Tokens of a stream are relayed from the first content on.
 */
export async function callProvider(run: Run, dispatched: Dispatched, deps: RunDeps): Promise<Called> {
  const { group } = run.job;
  const rescue = rescueOf(deps.policy, group);
  deps.hedges.countCall(group);
  const first = openAttempt(run, dispatched, deps);
  const delayMs = hedgeDelayMs(rescue.hedge, rescue.hedgeAfterMs, deps.firstContents.p95(keyOf(run, dispatched)));
  const isQuick = delayMs === undefined || (await comesWithin(first.first, delayMs));
  if (!isQuick) return race(run, first, rescue.hedgeBudget, deps);
  const called = await finished(first, deps);
  noteFirstContent(run, called, deps);
  return called;
}

/** What `hedgeAfter` decides is done here. Both have a lease of their own, and each is settled once. */
async function race(run: Run, first: OpenAttempt, budget: number, deps: RunDeps): Promise<Called> {
  let second: OpenAttempt | undefined;
  let found: Dispatched | undefined;
  const asked = askAnother(run, first.dispatched, budget, deps).catch(() => undefined);
  const events = new Map<string, Promise<HedgeEvent>>([
    ['first', first.first.then((kind) => ({ kind, by: 'first' }))],
    ['asked', asked.then((leased) => ({ kind: (found = leased) === undefined ? 'refused' : 'taken' }))],
  ]);
  const racer = (by: Racer): OpenAttempt => (by === 'first' ? first : second!);
  const giveBackSecond = (kind: 'unused' | 'neutral'): void =>
    void asked.then((leased) => leased && releaseLease(leased, kind, deps)).catch(() => undefined);

  let state = HEDGE_START;
  try {
    while (state.at !== 'won' && state.at !== 'lost') {
      const [name, event] = await Promise.race([...events].map(async ([from, each]) => [from, await each] as const));
      events.delete(name);
      const next = hedgeAfter(state, event);
      state = next.state;
      for (const act of next.acts) {
        if (act === 'start_second') {
          deps.slots.hold(run.job.group, found!.deployment.id, found!.lease.leaseId); // it stays when the first is closed
          second = openAttempt(run, found!, deps);
          const { deployment } = first.dispatched;
          deps.emit('attempt.hedged', {
            jobId: run.job.jobId,
            deployment: deployment.id,
            second: found!.deployment.id,
          });
          events.set(
            'second',
            second.first.then((kind) => ({ kind, by: 'second' })),
          );
        } else if (act === 'want_no_second') {
          giveBackSecond('unused');
        } else if ('close' in act) {
          closeLoser(run, racer(act.close), deps);
        } else {
          const failed = await finished(racer(act.account), deps);
          await accountAttempt(run, failed.dispatched, failed.attempt, deps);
        }
      }
    }
  } catch (surprise) {
    first.close();
    second?.close(); // the one that still ran would be held, and its lease renewed, for good
    giveBackSecond('neutral');
    await releaseLease(first.dispatched, 'neutral', deps).catch(() => undefined);
    throw surprise;
  }
  if (state.by === 'first') return finished(first, deps);
  const winner = second!;
  if (state.at === 'won') run.progress = takenOver(run.progress, winner.dispatched.progress);
  run.upstreamMs += winner.startedMs - first.startedMs;
  return finished(winner, deps);
}

/** Its socket is closed at once; that its lease is given back nobody waits for. */
function closeLoser(run: Run, loser: OpenAttempt, deps: RunDeps): void {
  loser.close();
  const { dispatched, number, call, startedMs } = loser;
  deps.firstContents.note(keyOf(run, dispatched), performance.now() - startedMs); // it would have taken longer still
  const usage = deps.providers.estimate(call, 0);
  endLoser(run, number, dispatched, usage, deps);
  const { firstPrompt = usage.prompt, chars = 0 } = run.billed ?? {};
  run.billed = { ...sumOf(run.billed, usage), firstPrompt, chars };
  settleLoser(dispatched, usage, deps).catch(() => undefined); // it runs out
}

async function finished({ dispatched, finish }: OpenAttempt, deps: RunDeps): Promise<Called> {
  try {
    return { dispatched, attempt: await finish() };
  } catch (surprise) {
    await releaseLease(dispatched, 'neutral', deps);
    throw surprise;
  }
}

function noteFirstContent(run: Run, { dispatched, attempt }: Called, deps: RunDeps): void {
  const ms = run.job.stream ? attempt.firstContentMs : attempt.kind === 'answered' ? attempt.durationMs : undefined;
  if (ms !== undefined) deps.firstContents.note(keyOf(run, dispatched), ms);
}

const keyOf = ({ job }: Run, { deployment }: Dispatched): string =>
  `${job.stream ? 'stream' : 'json'} ${deployment.id}`;

function comesWithin(first: Promise<unknown>, ms: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), ms);
    void first.then(() => {
      clearTimeout(timer);
      resolve(true);
    });
  });
}
