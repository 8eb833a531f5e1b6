/**
 * Who is next, by start-time fair queueing: the waiting jobs of a group stand in lines, one for each tenant and tier, and
 * each line has a virtual start, that of its first job. The line with the lowest is fed, its start goes up by 1 / weight,
 * and the clock stands at the start that was fed last.
 *
 *     line "4:acme"      start 2.25    j7 j9 j12 …      weight 4: fed four times for once of the next
 *     line "1:default"   start 3       j1 j8 …
 *
 * - Within a line the order is that of arrival, and a job that was given back has its old place: its charge is taken back.
 * - A line that begins to wait starts at the clock: who was idle has saved nothing up, and waits for one round and not
 *   for all that others have in store. Who leaves and comes back at once stands where it would have stood.
 * - All of this is forgotten when nothing waits, and a line as soon as the clock has passed it: the state is bounded by the
 *   lines that wait and those that were fed in the last round.
 *
 * What it costs is counted in jobs and not in tokens: nobody knows before its end what a call takes.
 */
export interface Backlog {
  /** Waiting line → virtual start of its first job. */
  starts: Map<string, number>;
  /** Waiting line → job → order, µs of its arrival. */
  lines: Map<string, Map<string, number>>;
  /** Lines where nobody waits and that were fed ahead of the clock → virtual start of their next job. */
  idle: Map<string, number>;
  clock: number;
  jobs: number;
  /** Of the requests that wait. */
  bytes: number;
  tenants: Map<string, { jobs: number; bytes: number }>;
}

export interface WaitingJob {
  jobId: string;
  line: string;
  order: number;
  bytes: number;
}

export const newBacklog = (): Backlog => ({
  starts: new Map(),
  lines: new Map(),
  idle: new Map(),
  clock: 0,
  jobs: 0,
  bytes: 0,
  tenants: new Map(),
});

/** A tier is a weight: none starves. */
export const TIER_WEIGHTS = { high: 4, normal: 1, low: 0.25 } as const;
export type Tier = keyof typeof TIER_WEIGHTS;

export const weightOf = (line: string): number => Number(line.slice(0, line.indexOf(':')));
export const tenantOf = (line: string): string => line.slice(line.indexOf(':') + 1);

/** @param wasFed its place was paid for when it was fed, and is given back */
export function joinLine(backlog: Backlog, { jobId, line, order, bytes }: WaitingJob, wasFed: boolean): void {
  const { starts, lines, idle, clock, tenants } = backlog;
  let start = starts.get(line) ?? Math.max(clock, idle.get(line) ?? clock);
  if (wasFed) start -= 1 / weightOf(line);
  idle.delete(line);
  starts.set(line, start);
  const jobs = lines.get(line) ?? new Map<string, number>();
  lines.set(line, jobs.set(jobId, order));
  backlog.jobs++;
  backlog.bytes += bytes;
  const tenant = tenants.get(tenantOf(line)) ?? { jobs: 0, bytes: 0 };
  tenants.set(tenantOf(line), { jobs: tenant.jobs + 1, bytes: tenant.bytes + bytes });
}

/** It will not be fed: cancelled, or past its time. Does nothing when it does not wait. */
export function leaveLine(backlog: Backlog, jobId: string, line: string, bytes: number): void {
  const jobs = backlog.lines.get(line);
  if (!jobs?.delete(jobId)) return;
  if (jobs.size === 0) shutLine(backlog, line, backlog.starts.get(line)!);
  count(backlog, line, bytes);
}

/**
 * Takes the next jobs out, in fair order.
 * @param take whether the job was there to be fed; one that was not, or is over, costs its line nothing
 */
export function takeNext(
  backlog: Backlog,
  atMost: number,
  take: (jobId: string) => { bytes: number; isOver?: boolean } | undefined,
): void {
  const { starts, lines } = backlog;
  for (let taken = 0; taken < atMost && starts.size > 0; taken++) {
    const [line] = inOrder(starts, 1) as [string];
    const jobs = lines.get(line)!;
    const [jobId] = inOrder(jobs, 1) as [string];
    jobs.delete(jobId);
    let start = starts.get(line)!;
    const job = take(jobId);
    if (job !== undefined && !job.isOver) {
      backlog.clock = Math.max(backlog.clock, start);
      start += 1 / weightOf(line);
    }
    if (jobs.size > 0) starts.set(line, start);
    else shutLine(backlog, line, start);
    count(backlog, line, job?.bytes ?? 0);
  }
  for (const [line, start] of backlog.idle) if (start <= backlog.clock) backlog.idle.delete(line);
}

function shutLine(backlog: Backlog, line: string, start: number): void {
  backlog.lines.delete(line);
  backlog.starts.delete(line);
  if (start > backlog.clock) backlog.idle.set(line, start);
}

function count(backlog: Backlog, line: string, bytes: number): void {
  const { tenants } = backlog;
  if (--backlog.jobs === 0) {
    Object.assign(backlog, newBacklog());
    return;
  }
  backlog.bytes -= bytes;
  const tenant = tenants.get(tenantOf(line))!;
  if (tenant.jobs === 1) tenants.delete(tenantOf(line));
  else tenants.set(tenantOf(line), { jobs: tenant.jobs - 1, bytes: tenant.bytes - bytes });
}

/** As Redis orders a sorted set: by score, then by name. */
export function inOrder(set: ReadonlyMap<string, number>, atMost: number, below = Infinity): string[] {
  const found: [string, number][] = [];
  for (const entry of set) if (entry[1] <= below) found.push(entry);
  found.sort(([a, x], [b, y]) => x - y || (a < b ? -1 : 1));
  return found.slice(0, atMost).map(([id]) => id);
}
