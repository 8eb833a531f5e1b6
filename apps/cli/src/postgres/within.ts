import { setTimeout as pause } from 'node:timers/promises';

/** Looks every 10 ms; false when the time is over. For what a child process does, which tells nobody. */
export async function within(ms: number, condition: () => boolean | Promise<boolean>): Promise<boolean> {
  const deadline = performance.now() + ms;
  while (!(await condition())) {
    if (performance.now() > deadline) return false;
    await pause(10);
  }
  return true;
}
