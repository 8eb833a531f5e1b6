import type { Failpoint, Failpoints } from '@sluice/core';

/** Reached this step. Absent where nothing is to fail, which is everywhere but in tests. */
export type FailAt = (point: Failpoint) => void;

/** Kills this process, as `kill -9` does, where a test asked for it. */
export function failAtPoints(points: Failpoints): FailAt {
  const reached = new Map<Failpoint, number>();
  return (point) => {
    const times = (reached.get(point) ?? 0) + 1;
    reached.set(point, times);
    if (times === points.get(point)) process.kill(process.pid, 'SIGKILL');
  };
}
