import type { JobView } from '@sluice/wire';
import { harmless, textOfAnswer, textOfChunk } from './answer-text.js';
import { FollowedEvents } from './followed-events.js';
import { jsonOf } from './given-json.js';
import { pathOf, type Said } from './jobs.js';
import { CommandError, type Server } from './server.js';
import { jobSheet } from './shown-job.js';

export interface SubmitOptions {
  model?: string;
  prompt?: string;
  endpoint: string;
  priority?: string;
  metadata?: Record<string, string>;
  wait?: number;
  idempotencyKey?: string;
  json?: boolean;
}

/** Where people read: the answer, and what became of the job. */
export interface Screen {
  out: (text: string) => void;
  err: (text: string) => void;
}

/**
 * A job; waited for, its answer as well: the text as it comes, so that `> FILE` holds nothing else. Without an answer the
 * job's sheet stands in its place.
 * @param file a whole `POST /v1/jobs` body, `-` for standard input; absent: a chat call is made of model and prompt
 */
export async function submitJob(
  server: Server,
  file: string | undefined,
  options: SubmitOptions,
  screen: Screen,
): Promise<Said> {
  const { wait, json = false } = options;
  const create = file === undefined ? chatOf(options) : await jsonOf(`@${file}`, file);
  if (wait === undefined) return sheetOf(await post(server, create, options));
  if (!json && isTold(create)) return tellAnswer(server, await post(server, create, options), wait, screen);
  const job = await post(server, create, options, wait);
  if (job.status !== 'completed') return sheetOf(job);
  const answer = await server.get<object>(pathOf(job.id, '/result'));
  if (!json) screen.err(`${jobSheet(job)}\n`);
  return { text: harmless(textOfAnswer(answer)), json: { ...job, result: answer } };
}

function post(server: Server, create: unknown, { idempotencyKey }: SubmitOptions, wait?: number): Promise<JobView> {
  return server.post<JobView>('jobs', create, {
    ...(wait === undefined ? {} : { prefer: `wait=${wait}` }),
    ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
  });
}

const sheetOf = (job: JobView): Said => ({ text: jobSheet(job), json: job, status: isNothing(job) ? 1 : 0 });
const isNothing = ({ status }: JobView): boolean => ['failed', 'expired', 'cancelled'].includes(status);

/** It tells its text while it runs, and there is one text. */
function isTold(create: unknown): boolean {
  const { body } = (create ?? {}) as { body?: { stream?: unknown; n?: unknown } };
  return body?.stream === true && (body.n ?? 1) === 1;
}

async function tellAnswer(server: Server, { id }: JobView, wait: number, { out, err }: Screen): Promise<Said> {
  let hasText = false;
  const events = new FollowedEvents(server, id, undefined);
  await events.untilOver(
    ({ type, chunk }) => {
      if (type === 'job.output_reset') err('\nThe answer comes anew:\n');
      const text = type === 'job.output' ? textOfChunk(chunk as object) : '';
      hasText ||= text !== '';
      out(harmless(text));
    },
    AbortSignal.timeout(wait * 1_000),
  );
  const job = await server.get<JobView>(pathOf(id));
  if (hasText) out('\n');
  if (hasText || job.status === 'completed') err(`${jobSheet(job)}\n`);
  else return sheetOf(job);
  const answer = hasText ? '' : harmless(textOfAnswer(await server.get<object>(pathOf(id, '/result'))));
  return { text: answer, json: undefined, status: isNothing(job) ? 1 : 0 };
}

function chatOf({ model, prompt, endpoint, priority, metadata, wait, json }: SubmitOptions): unknown {
  if (model === undefined || prompt === undefined) {
    throw new CommandError('Say what to submit: --model and --prompt, or a file with the body of POST /v1/jobs.', 1);
  }
  const stream = wait !== undefined && json !== true; // for whoever reads along
  const body = { model, messages: [{ role: 'user', content: prompt }], ...(stream ? { stream } : {}) };
  return { endpoint, body, ...(priority === undefined ? {} : { priority }), ...(metadata ? { metadata } : {}) };
}
