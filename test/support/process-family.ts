import { readdirSync, readFileSync } from 'node:fs';

/** A process and all below it: what `sluice start` has started beside itself. */
export function familyOf(pid: number): number[] {
  const parents = new Map<number, number>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const [, parent] = /^\d+ \(.*\) \S (\d+)/s.exec(readFileSync(`/proc/${entry}/stat`, 'utf8'))!;
      parents.set(Number(entry), Number(parent));
    } catch {
      // It is gone.
    }
  }
  const family = [pid];
  for (let at = 0; at < family.length; at++) {
    for (const [child, parent] of parents) if (parent === family[at]) family.push(child);
  }
  return family;
}

/** kill -9 of all of them, the youngest first. Some end by themselves meanwhile: a server of a connection that broke. */
export function killFamily(pid: number): void {
  for (const each of familyOf(pid).reverse()) {
    try {
      process.kill(each, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}
