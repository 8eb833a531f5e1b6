import { readdirSync, readFileSync } from 'node:fs';

const fieldOf = (file, name) => {
  try {
    return Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(readFileSync(file, 'utf8'))?.[1] ?? 0) / 1024;
  } catch {
    return 0; // it is gone
  }
};

/** Most that the process has had in memory, MiB. */
export const peakOf = (pid) => fieldOf(`/proc/${pid}/status`, 'VmHWM');

/** Of several processes that share memory, MiB. */
export const shareOf = (pids) => pids.reduce((sum, pid) => sum + fieldOf(`/proc/${pid}/smaps_rollup`, 'Pss'), 0);

/** CPU that a process has used, s. */
export function cpuOf(pid) {
  const after = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(after[11]) + Number(after[12])) / 100;
}

/** All processes below one, by the name of their program. */
export function below(pid) {
  const found = [];
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      const [, name, parent] = /^\d+ \((.*)\) \S (\d+)/.exec(stat);
      found.push({ pid: Number(entry), parent: Number(parent), name });
    } catch {
      // gone meanwhile
    }
  }
  const family = new Set([pid]);
  for (let size = 0; size !== family.size;) {
    size = family.size;
    for (const one of found) if (family.has(one.parent)) family.add(one.pid);
  }
  return found.filter((one) => one.pid !== pid && family.has(one.pid));
}
