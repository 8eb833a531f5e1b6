import type { RunJob } from '@sluice/queue';

/** One job at a time over all groups of this process: whatever ends it, one job ran. The others wait, not begun. */
export function oneAtATime(run: RunJob): RunJob {
  let last: Promise<unknown> = Promise.resolve();
  return (group, turn, stop, hooks) => {
    const mine = last.then(() =>
      stop.aborted ? { kind: 'handed_back' as const, othersWait: false } : run(group, turn, stop, hooks),
    );
    last = mine.catch(() => undefined);
    return mine;
  };
}
