import { readFile } from 'node:fs/promises';
import type { Attempt, JobView } from '@sluice/wire';
import { createParser } from 'eventsource-parser';
import { CommandError, type Query, type Server } from './server.js';
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

const pathOf = (id: string, rest = ''): string => `jobs/${encodeURIComponent(id)}${rest}`;

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

export interface SubmitOptions {
  model?: string;
  prompt?: string;
  endpoint: string;
  priority?: string;
  metadata?: Record<string, string>;
  wait?: number;
  idempotencyKey?: string;
}

/** @param file a whole `POST /v1/jobs` body, `-` for standard input; absent: a chat call is made of model and prompt */
export async function submitJob(server: Server, file: string | undefined, options: SubmitOptions): Promise<Said> {
  const { wait, idempotencyKey } = options;
  const create = file === undefined ? chatOf(options) : await jsonOf(`@${file}`, file);
  const headers = {
    ...(wait === undefined ? {} : { prefer: `wait=${wait}` }),
    ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
  };
  const job = await server.post<JobView>('jobs', create, headers);
  const status = ['failed', 'expired', 'cancelled'].includes(job.status) ? 1 : 0;
  return { text: jobSheet(job), json: job, status };
}

function chatOf({ model, prompt, endpoint, priority, metadata }: SubmitOptions): unknown {
  if (model === undefined || prompt === undefined) {
    throw new CommandError('Say what to submit: --model and --prompt, or a file with the body of POST /v1/jobs.', 1);
  }
  const body = { model, messages: [{ role: 'user', content: prompt }] };
  return { endpoint, body, ...(priority === undefined ? {} : { priority }), ...(metadata ? { metadata } : {}) };
}

/** The events of a job, a line each, until it is over. */
export async function tellEvents(
  server: Server,
  id: string,
  { after, json }: { after?: number; json?: boolean },
  tell: (line: string) => void,
): Promise<void> {
  const bytes = await server.stream(pathOf(id, '/events'), { starting_after: after });
  const parser = createParser({
    onEvent: ({ data }) => tell(json ? data : lineOf(JSON.parse(data) as Record<string, unknown>)),
  });
  const decoder = new TextDecoder();
  for await (const chunk of bytes) parser.feed(decoder.decode(chunk, { stream: true }));
}

function lineOf({ seq, type, at_ms: atMs, ...rest }: Record<string, unknown>): string {
  delete rest['job_id'];
  const time = typeof atMs === 'number' ? new Date(atMs).toISOString() : '-';
  const about = Object.keys(rest).length === 0 ? '' : `  ${JSON.stringify(rest)}`;
  return textOf(`${String(seq as number).padStart(5)}  ${time}  ${String(type as string)}${about}`);
}

/** JSON as it stands there, or of a file. @throws CommandError */
async function jsonOf(text: string, what: string): Promise<unknown> {
  try {
    const file = text === '@-' ? '/dev/stdin' : text.slice(1);
    return JSON.parse(text.startsWith('@') ? await readFile(file, 'utf8') : text);
  } catch (error) {
    throw new CommandError(`${what} cannot be used as JSON: ${(error as Error).message}`, 1);
  }
}

const only = <Thing>(things: readonly Thing[]): Thing | readonly Thing[] => (things.length === 1 ? things[0]! : things);
