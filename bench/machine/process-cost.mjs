import { readdirSync, readFileSync } from 'node:fs';

const TICK_MS = 10; // USER_HZ is 100 on every Linux that Node runs on
const PAGE_BYTES = 4_096;

/**
 * What processes and all their descendants have cost so far, Redis apart from the others.
 * @param roots process ids
 * @returns cpuMs: user and system time since each started, also of children that have ended · appRssBytes, redisRssBytes: now
 */
export function costOf(roots) {
  const cost = { cpuMs: 0, appRssBytes: 0, redisRssBytes: 0 };
  const stats = allProcesses();
  const seen = new Set();
  const waiting = [...roots];
  while (waiting.length > 0) {
    const pid = waiting.pop();
    const stat = stats.get(pid);
    if (stat === undefined || seen.has(pid)) continue;
    seen.add(pid);
    cost.cpuMs += stat.cpuMs;
    cost[/redis|valkey/.test(stat.name) ? 'redisRssBytes' : 'appRssBytes'] += stat.rssBytes;
    for (const [child, { parent }] of stats) if (parent === pid) waiting.push(child);
  }
  return cost;
}

/** Looks at the memory four times a second; `stop()` tells the highest that was seen. */
export function watchMemory(roots) {
  const highest = { appRssBytes: 0, redisRssBytes: 0 };
  const look = () => {
    const { appRssBytes, redisRssBytes } = costOf(roots);
    highest.appRssBytes = Math.max(highest.appRssBytes, appRssBytes);
    highest.redisRssBytes = Math.max(highest.redisRssBytes, redisRssBytes);
  };
  look();
  const timer = setInterval(look, 250);
  return {
    stop() {
      clearInterval(timer);
      look();
      return highest;
    },
  };
}

function allProcesses() {
  const stats = new Map();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const stat = statOf(entry);
    if (stat !== undefined) stats.set(Number(entry), stat);
  }
  return stats;
}

/** proc(5): the name stands in brackets and may hold anything; behind it are state, ppid, … utime (14th of all) and so on. */
function statOf(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const nameEnd = text.lastIndexOf(')');
    const fields = text.slice(nameEnd + 2).split(' ');
    const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
    return {
      name: text.slice(text.indexOf('(') + 1, nameEnd),
      parent: Number(fields[1]),
      cpuMs: ticks * TICK_MS,
      rssBytes: Number(fields[21]) * PAGE_BYTES,
    };
  } catch {
    return undefined; // it has ended meanwhile
  }
}
