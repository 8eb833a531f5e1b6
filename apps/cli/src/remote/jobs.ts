import type { Attempt, JobView } from '@sluice/wire';
import { FollowedEvents } from './followed-events.js';
import { jsonOf } from './given-json.js';
import type { Query, Server } from './server.js';
import { attemptTable, jobSheet, jobTable } from './shown-job.js';
import { textOf } from './table.js';

/** What a command has to say: one form for people, one for programs. */
export interface Said {
  text: string;
  json: unknown;
  /** 1: the job that was waited for came to nothing. */
  status?: 0 | 1;
}

interface Page {
  data: JobView[];
  last_id: string | null;
  has_more: boolean;
}

export const pathOf = (id: string, rest = ''): string => `jobs/${encodeURIComponent(id)}${rest}`;

/** @param where `jobs`, or `dead-letters` */
export async function listJobs(server: Server, where: string, query: Query): Promise<Said> {
  const page = await server.get<Page>(where, query);
  const more = page.has_more ? `\nThere are more: --after ${page.last_id}` : '';
  return { text: page.data.length === 0 ? 'None.' : jobTable(page.data) + more, json: page };
}

export async function getJob(server: Server, id: string, query: Query): Promise<Said> {
  const job = await server.get<JobView>(pathOf(id), query);
  return { text: jobSheet(job), json: job };
}

/** With all that was tried: what one looks at before it is sent again. */
export async function showWithAttempts(server: Server, id: string): Promise<Said> {
  const [job, attempts] = await Promise.all([
    server.get<JobView>(pathOf(id)),
    server.get<{ data: Attempt[] }>(pathOf(id, '/attempts')),
  ]);
  const tried = attempts.data.length === 0 ? '' : `\n\n${attemptTable(attempts.data)}`;
  return { text: jobSheet(job) + tried, json: { ...job, attempts: attempts.data } };
}

export async function resultOf(server: Server, id: string): Promise<Said> {
  const result = await server.get<unknown>(pathOf(id, '/result'));
  return { text: JSON.stringify(result, undefined, 2), json: result };
}

export async function cancelJobs(server: Server, ids: readonly string[]): Promise<Said> {
  const jobs = await Promise.all(ids.map((id) => server.post<JobView>(pathOf(id, '/cancel'))));
  return { text: jobTable(jobs), json: only(jobs) };
}

export interface RetryOptions {
  model?: string;
  /** JSON, or `@FILE`. */
  body?: string;
}

export async function retryJobs(server: Server, ids: readonly string[], options: RetryOptions): Promise<Said> {
  const { model, body } = options;
  const edits = {
    ...(model === undefined ? {} : { model }),
    ...(body === undefined ? {} : { body: await jsonOf(body, '--body') }),
  };
  const jobs = await Promise.all(ids.map((id) => server.post<JobView>(pathOf(id, '/retry'), edits)));
  return { text: jobTable(jobs), json: only(jobs) };
}

export async function dismissJobs(server: Server, ids: readonly string[]): Promise<Said> {
  const dismissed = await Promise.all(
    ids.map((id) => server.delete<unknown>(`dead-letters/${encodeURIComponent(id)}`)),
  );
  return { text: ids.map((id) => `${id} is dismissed.`).join('\n'), json: only(dismissed) };
}

/** The events of a job, a line each, until it is over. */
export function tellEvents(
  server: Server,
  id: string,
  { after, json }: { after?: number; json?: boolean },
  tell: (line: string) => void,
): Promise<void> {
  const events = new FollowedEvents(server, id, after);
  return events.untilOver((event, text) => tell(json ? text : lineOf({ ...event })));
}

function lineOf({ seq, type, at_ms: atMs, ...rest }: Record<string, unknown>): string {
  delete rest['job_id'];
  const time = typeof atMs === 'number' ? new Date(atMs).toISOString() : '-';
  const about = Object.keys(rest).length === 0 ? '' : `  ${JSON.stringify(rest)}`;
  return textOf(`${String(seq as number).padStart(5)}  ${time}  ${String(type as string)}${about}`);
}

const only = <Thing>(things: readonly Thing[]): Thing | readonly Thing[] => (things.length === 1 ? things[0]! : things);
