import { createHash } from 'node:crypto';
import type { Caller, EndState, Entry, Hook } from './entry.js';
import type { Exchange } from './exchange.js';

/** What an exchange says about jobs and batches. An answer that nobody here can read says nothing. */
export function entriesOf(exchange: Exchange): Entry[] {
  const { method, path } = exchange;
  const route = `${method} ${path.replace(/^\/v1(?=\/)/, '').replace(/\/(job_|batch_|file-?)[\w-]+/, '/$1')}`;
  switch (route) {
    case 'POST /chat/completions':
      return ofCall(exchange);
    case 'POST /jobs':
    case 'POST /jobs/bulk':
    case 'POST /jobs/job_/retry':
      return ofSubmit(exchange);
    case 'GET /jobs/job_':
    case 'POST /jobs/job_/cancel':
      return ofLook(exchange);
    case 'GET /jobs':
      return ofList(exchange);
    case 'GET /jobs/job_/result':
      return ofResult(exchange);
    case 'GET /jobs/job_/events':
      return ofEvents(exchange);
    case 'DELETE /jobs/job_':
      return exchange.status === 200 ? [{ what: 'erased', job: jobIn(exchange) }] : [];
    case 'POST /files':
      return ofUpload(exchange);
    case 'POST /batches':
    case 'GET /batches/batch_':
    case 'POST /batches/batch_/cancel':
      return ofBatch(exchange);
    default:
      return path.endsWith('/content') ? ofFile(exchange) : [];
  }
}

/** What is said of a call and is not how its job ended: the job goes on, or nobody knows whether there is one. */
const NO_ENDS = new Set([
  'wait_timeout',
  'shutting_down',
  'storage_unavailable',
  'storage_full',
  'idempotency_in_progress',
  'idempotency_key_reused',
]);

type Json = Record<string, any>;

function ofCall(exchange: Exchange): Entry[] {
  const { status, replyHeaders, endedAtMs: atMs, how } = exchange;
  const prompt = promptOf(jsonOf(exchange.sent));
  const isStream = replyHeaders.get('content-type')?.startsWith('text/event-stream') === true;
  const reply = isStream ? undefined : jsonOf(exchange.reply);
  const error = (reply?.['error'] ?? undefined) as { code?: string; job_id?: string } | undefined;
  const job = replyHeaders.get('x-sluice-job-id') ?? error?.job_id;
  if (job === undefined) {
    if (error?.code === undefined) return [{ what: 'cut', job: undefined, prompt, atMs }];
    return [{ what: 'refused', prompt, code: error.code, atMs }];
  }
  const entries: Entry[] = [
    { what: 'accepted', job, isDurable: false, by: callerOf(exchange), prompt, hook: undefined, atMs },
    ...ofKey(exchange, job),
  ];
  if (isStream) entries.push(...ofStream(exchange, job));
  else if (how !== 'whole' || reply === undefined) return entries;
  else if (error?.code !== undefined) {
    if (!NO_ENDS.has(error.code)) {
      entries.push({ what: 'ended', job, state: 'error', said: error.code, through: 'answer', atMs });
    }
  } else if (status === 200) {
    entries.push({ what: 'ended', job, state: 'completed', said: textOf(reply), through: 'answer', atMs });
  }
  return entries;
}

interface Chunk {
  error?: { code: string };
  choices?: { index: number; delta?: { content?: string | null }; finish_reason: string | null }[];
}

function ofStream({ reply, how, endedAtMs: atMs }: Exchange, job: string): Entry[] {
  let [text, isDone, hasFinish, after] = ['', false, false, 0];
  let code: string | undefined;
  for (const data of framesOf(reply)) {
    if (isDone || code !== undefined) after++;
    else if (data === '[DONE]') isDone = true;
    else {
      const chunk = jsonOf(data) as Chunk | undefined;
      if (chunk === undefined) continue; // cut in the middle
      code = chunk.error?.code;
      for (const { index, delta, finish_reason: finish } of chunk.choices ?? []) {
        if (index === 0) text += delta?.content ?? '';
        if (finish !== null && finish !== undefined) hasFinish = true;
      }
    }
  }
  const entries: Entry[] = [];
  const hasError = code !== undefined;
  if (how === 'whole') entries.push({ what: 'stream_read', job, hasFinish, isDone, hasError, after });
  if (isDone) entries.push({ what: 'ended', job, state: 'completed', said: text, through: 'stream', atMs });
  else if (code !== undefined && !NO_ENDS.has(code)) {
    entries.push({ what: 'ended', job, state: 'error', said: code, through: 'stream', atMs });
  }
  return entries;
}

function ofSubmit(exchange: Exchange): Entry[] {
  const { status } = exchange;
  const reply = jsonOf(exchange.reply);
  const sent = jsonOf(exchange.sent);
  if (exchange.how !== 'whole' || reply === undefined || (status !== 200 && status !== 202)) return [];
  if (exchange.path.endsWith('/bulk')) {
    const items = reply['data'] as { index: number; job?: Json }[];
    return items.flatMap(({ index, job }) => (job === undefined ? [] : ofNewJob(job, sent?.['jobs'][index], exchange)));
  }
  const entries = ofNewJob(reply, exchange.path.endsWith('/retry') ? undefined : sent, exchange);
  return [...entries, ...ofKey(exchange, reply['id'])];
}

function ofKey(exchange: Exchange, job: string): Entry[] {
  const key = exchange.headers.get('idempotency-key');
  if (key === null) return [];
  const scope = [...Object.values(callerOf(exchange)), exchange.path, key].join(' ');
  return [{ what: 'keyed', key: scope, fingerprint: digestOf(exchange.sent), job, atMs: exchange.endedAtMs }];
}

function ofNewJob(view: Json, create: Json | undefined, exchange: Exchange): Entry[] {
  const { endedAtMs: atMs } = exchange;
  const accepted: Entry = {
    what: 'accepted',
    job: view['id'],
    isDurable: true,
    by: callerOf(exchange),
    prompt: promptOf(create?.['body'] as Json | undefined),
    hook: hookOf(create),
    atMs,
  };
  return [accepted, ...ofView(view, 'job', atMs)];
}

const callerOf = ({ headers }: Exchange): Caller =>
  Object.fromEntries([...headers].filter(([name]) => name === 'authorization' || name === 'x-sluice-tenant'));

function hookOf(create: Json | undefined): Hook | undefined {
  const webhook = create?.['webhook'] as { url: string; secret?: string; events?: string[] } | undefined;
  if (webhook === undefined) return undefined;
  return { url: webhook.url, secret: webhook.secret, isFiltered: webhook.events !== undefined };
}

function ofLook(exchange: Exchange): Entry[] {
  const { status, startedAtMs, endedAtMs: atMs } = exchange;
  const reply = jsonOf(exchange.reply);
  if (status === 404) return [{ what: 'gone', job: jobIn(exchange), prompt: undefined, atMs }];
  if (exchange.how !== 'whole' || status !== 200 || reply === undefined) return [];
  const ends = ofView(reply, 'job', atMs);
  if (ends.length > 0) return ends;
  return [{ what: 'looked', job: reply['id'], state: reply['status'], askedAtMs: startedAtMs }];
}

/** A list lags behind: what it says of an end is so, what it says of others was so. */
function ofList({ how, status, reply, endedAtMs: atMs }: Exchange): Entry[] {
  if (how !== 'whole' || status !== 200) return [];
  const views = (jsonOf(reply)?.['data'] ?? []) as Json[];
  return views.flatMap((view) => ofView(view, 'list', atMs));
}

function ofView(view: Json, through: string, atMs: number): Entry[] {
  const state = endStateOf(view['status']);
  if (state === undefined) return [];
  const code = (view['error'] as { code?: string } | null)?.code;
  const said = state === 'completed' ? undefined : code;
  const account = JSON.stringify([view['finished_at'], view['usage'], view['cost_usd']]);
  return [{ what: 'ended', job: view['id'], state, said, through, account, atMs }];
}

function ofResult(exchange: Exchange): Entry[] {
  const { status, how, endedAtMs: atMs } = exchange;
  const reply = jsonOf(exchange.reply);
  if (how !== 'whole' || reply === undefined) return [];
  const job = jobIn(exchange);
  const digest = digestOf(exchange.reply);
  if (status === 200) {
    return [{ what: 'ended', job, state: 'completed', said: textOf(reply), through: 'result', digest, atMs }];
  }
  const { code } = (reply['error'] ?? {}) as { code?: string };
  const isOfJob = exchange.replyHeaders.get('x-should-retry') === 'false' && !NO_RESULT.has(code ?? '');
  if (!isOfJob || NO_ENDS.has(code!)) return [];
  return [{ what: 'ended', job, state: 'error', said: code, through: 'result', digest, atMs }];
}

/** Said of the result itself. */
const NO_RESULT = new Set([
  '',
  'not_found',
  'job_not_terminal',
  'result_expired',
  'invalid_api_key',
  'missing_api_key',
]);

function ofEvents(exchange: Exchange): Entry[] {
  if (exchange.status !== 200) return [];
  const job = jobIn(exchange);
  const { endedAtMs: atMs } = exchange;
  const from = exchange.query.get('starting_after');
  const fromSeq = exchange.headers.has('last-event-id') ? undefined : Number(from ?? 0);
  const seen: { seq: number; digest: string }[] = [];
  let end: Entry | undefined;
  let text: string | undefined = fromSeq === 0 ? '' : undefined;
  for (const data of framesOf(exchange.reply)) {
    const event = jsonOf(data);
    if (event === undefined) continue; // cut in the middle
    seen.push({ seq: event['seq'], digest: digestOf(data) });
    const type = event['type'] as string;
    if (type === 'job.output_reset' && text !== undefined) text = '';
    const chunk = event['chunk'] as Chunk | undefined;
    for (const { index, delta } of chunk?.choices ?? []) {
      if (index === 0 && text !== undefined) text += delta?.content ?? '';
    }
    const state = endStateOf(type.slice('job.'.length));
    if (state === undefined) continue;
    const code = (event['error'] as { code?: string } | undefined)?.code;
    // Of a job that does not stream there is no text to see.
    const said = state === 'completed' ? text || undefined : code;
    end = { what: 'ended', job, state, said, through: 'events', atMs };
  }
  const read = { what: 'events_read', job, fromSeq, seen, isEnded: end !== undefined } as const;
  return end === undefined ? [read] : [read, end];
}

/** Of the multipart body only what are lines of a batch. */
function ofUpload({ how, status, sent, reply }: Exchange): Entry[] {
  const file = jsonOf(reply)?.['id'] as string | undefined;
  if (how !== 'whole' || status !== 200 || file === undefined) return [];
  const lines = sent
    .split('\n')
    .filter((line) => line.startsWith('{"custom_id"'))
    .map((line) => jsonOf(line))
    .filter((line) => line !== undefined)
    .map((line) => ({ id: line['custom_id'] as string, prompt: promptOf(line['body'] as Json) }));
  return [{ what: 'uploaded', file, lines }];
}

const BATCH_OVER = new Set(['completed', 'failed', 'expired', 'cancelled']);

function ofBatch(exchange: Exchange): Entry[] {
  const { how, status, reply, endedAtMs: atMs } = exchange;
  const batch = jsonOf(reply);
  if (how !== 'whole' || status !== 200 || batch === undefined) return [];
  const counts = (batch['request_counts'] ?? {}) as { total?: number; completed?: number; failed?: number };
  const { total = 0, completed = 0, failed = 0 } = counts;
  const files = [batch['output_file_id'] ?? null, batch['error_file_id'] ?? null] as (string | null)[];
  const isOver = BATCH_OVER.has(batch['status']);
  const { id, status: state } = batch as { id: string; status: string };
  const by = callerOf(exchange);
  const input = batch['input_file_id'] as string;
  return [{ what: 'batch', batch: id, input, by, status: state, isOver, total, completed, failed, files, atMs }];
}

function ofFile({ how, status, path, reply, endedAtMs: atMs }: Exchange): Entry[] {
  const file = /\/files\/([^/]+)\/content$/.exec(path)?.[1];
  if (file === undefined || how !== 'whole' || status !== 200) return [];
  const lines: { id: string; digest: string }[] = [];
  for (const line of reply.split('\n')) {
    const id = /"custom_id":("(?:[^"\\]|\\.)*")/.exec(line)?.[1];
    if (id !== undefined) lines.push({ id: JSON.parse(id) as string, digest: digestOf(line) });
  }
  return [{ what: 'lines', file, lines, atMs }];
}

const END_STATES = new Set<string>(['completed', 'failed', 'cancelled', 'expired']);
const endStateOf = (state: unknown): EndState | undefined =>
  typeof state === 'string' && END_STATES.has(state) ? (state as EndState) : undefined;

const jobIn = ({ path }: Exchange): string => /job_[\w-]+/.exec(path)?.[0] ?? '';

/** Text of a chat completion; of anything else its bytes stand for it elsewhere. */
function textOf(reply: Json): string | undefined {
  const choices = reply['choices'] as { message?: { content?: string | null } }[] | undefined;
  return choices?.[0]?.message?.content ?? undefined;
}

/** What the user says first: it is the same in every call that Sluice makes for a job, also when it asks for the rest of an answer. */
export function promptOf(body: Json | undefined): string | undefined {
  const messages = body?.['messages'] as { role: string; content: unknown }[] | undefined;
  const first = messages?.find(({ role }) => role === 'user')?.content;
  if (first === undefined) return undefined;
  // Anthropic's calls have it in parts.
  const parts = Array.isArray(first) ? (first as { text?: string }[]).map(({ text }) => text ?? '') : [first];
  const text = parts.every((part) => typeof part === 'string') ? parts.join('') : JSON.stringify(first);
  return text.length <= 100 ? text : digestOf(text);
}

export const digestOf = (text: string): string => createHash('sha1').update(text).digest('base64');

function framesOf(body: string): string[] {
  return body
    .split('\n\n')
    .slice(0, -1) // what follows the last blank line is no frame
    .flatMap((event) => event.split('\n').filter((line) => line.startsWith('data: ')))
    .map((line) => line.slice('data: '.length));
}

function jsonOf(text: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Json) : undefined;
  } catch {
    return undefined;
  }
}
