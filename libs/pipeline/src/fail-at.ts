import type { FailAction, Failpoint } from '@sluice/core';

/** Reached this step. Absent where nothing is to fail, which is everywhere but in tests. */
export type FailAt = (point: Failpoint) => Promise<void>;

/** Does at each point what a test asked for. */
export function failAtPoints(actions: ReadonlyMap<Failpoint, FailAction>): FailAt {
  const reached = new Map<Failpoint, number>();
  return async (point) => {
    const action = actions.get(point);
    if (action === undefined) return;
    const times = (reached.get(point) ?? 0) + 1;
    reached.set(point, times);
    switch (action.kind) {
      case 'kill':
        if (times === action.at) process.kill(process.pid, 'SIGKILL');
        return;
      case 'throw':
        if (times === action.at) throw new Error(`failpoint ${point}`);
        return;
      case 'delay':
        return new Promise((go) => setTimeout(go, action.ms));
      case 'block':
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, action.ms);
    }
  };
}
