import { randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { access, constants, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { ProgressBar } from './progress-bar.js';
import { CommandError, type Server } from './server.js';
import { textOf } from './table.js';
import type { Said } from './jobs.js';

export interface BatchRunOptions {
  out?: string;
  endpoint?: string;
  model?: string;
  window: string;
}

interface Batch {
  id: string;
  status: string;
  request_counts: { total: number; completed: number; failed: number };
  output_file_id: string | null;
  error_file_id: string | null;
  errors: { data: { line: number | null; message: string }[] } | null;
}

interface FailedLine {
  custom_id?: string;
  response?: { body?: { error?: { message?: string } } } | null;
  error?: { message?: string } | null;
}

const OVER = ['completed', 'failed', 'expired', 'cancelled'];
const LOOK_EVERY_MS = 500;
/** The server is being replaced, or its Redis: the batch goes on. */
const PATIENCE_MS = 60_000;
const CHAT = '/v1/chat/completions';

/** Submits a file (`-`: what comes on standard input), shows how it goes, and writes the answers. Interrupted, the batch goes on. */
export async function runBatch(server: Server, file: string, options: BatchRunOptions): Promise<Said> {
  const isStdin = file === '-';
  if (!isStdin && !(await stat(file).catch(() => undefined))?.isFile()) {
    throw new CommandError(`There is no file ${file}.`, 1);
  }
  const out = options.out ?? (isStdin ? '-' : `${file.replace(/\.jsonl$/, '')}.output.jsonl`);
  await checkPlace(out);
  const lines = linesOf(isStdin ? process.stdin : createReadStream(file))[Symbol.asyncIterator]();
  const first = await lines.next();
  const endpoint = options.endpoint ?? urlOf(first) ?? CHAT;
  const boundary = `sluice-${randomUUID()}`;
  const type = `multipart/form-data; boundary=${boundary}`;
  const name = isStdin ? 'stdin.jsonl' : basename(file);
  const bytes = form(boundary, name, from(first, lines), { ...options, endpoint });
  const { id: input } = await server.upload<{ id: string }>('files', bytes, type);
  const create = { input_file_id: input, endpoint, completion_window: options.window };
  const { id } = await server.post<Batch>('batches', create);
  const bar = new ProgressBar(process.stderr, id);
  const batch = await untilOver(server, id, (seen) => bar.show(seen));
  bar.end();
  return tell(server, batch, out);
}

/** Before anything is paid for. @throws CommandError */
async function checkPlace(out: string): Promise<void> {
  if (out === '-') return;
  const isDirectory = (await stat(out).catch(() => undefined))?.isDirectory();
  const mayWrite = await access(dirname(out), constants.W_OK).then(
    () => true,
    () => false,
  );
  if (isDirectory || !mayWrite) throw new CommandError(`${out} cannot be written. Name another with --out.`, 1);
}

async function untilOver(server: Server, id: string, show: (batch: Batch) => void): Promise<Batch> {
  let heardAtMs = performance.now();
  for (;;) {
    try {
      const batch = await server.get<Batch>(`batches/${id}`);
      heardAtMs = performance.now();
      show(batch);
      if (OVER.includes(batch.status)) return batch;
    } catch (error) {
      if (performance.now() - heardAtMs > PATIENCE_MS) throw error;
    }
    await pause(LOOK_EVERY_MS);
  }
}

async function tell(server: Server, batch: Batch, out: string): Promise<Said> {
  const { id, status, request_counts: counts, errors, output_file_id: output, error_file_id: failed } = batch;
  const files: string[] = [];
  let example = '';
  if (output !== null) files.push(await save(server, output, out));
  if (failed !== null) {
    files.push(await save(server, failed, out === '-' ? '-' : `${out.replace(/\.jsonl$/, '')}.errors.jsonl`));
    if (out !== '-') example = await firstFailure(files.at(-1)!);
  }
  const problems = (errors?.data ?? []).map(
    ({ line, message }) => `\n  ${line === null ? '' : `line ${line}: `}${message}`,
  );
  const written = files.length === 0 || out === '-' ? '' : ` Written: ${files.join(', ')}.`;
  const text = `${id} ${status}: ${counts.completed} of ${counts.total} answered, ${counts.failed} failed.${written}${example}${problems.join('')}`;
  const isWell = status === 'completed' && counts.failed === 0;
  if (out === '-') process.stderr.write(`${text}\n`);
  return { text: out === '-' ? '' : text, json: batch, status: isWell ? 0 : 1 };
}

/** Why the first of them failed: mostly it is why all did. */
async function firstFailure(file: string): Promise<string> {
  for await (const line of linesOf(createReadStream(file))) {
    const { custom_id: id, response, error } = (objectOf(line) ?? {}) as FailedLine;
    const message = error?.message ?? response?.body?.error?.message;
    return message === undefined ? '' : `\n  ${textOf(id)}: ${textOf(message)}`;
  }
  return '';
}

async function save(server: Server, fileId: string, path: string): Promise<string> {
  const bytes = await server.stream(`files/${fileId}/content`);
  await (path === '-' ? pipeline(bytes, process.stdout, { end: false }) : pipeline(bytes, createWriteStream(path)));
  return path;
}

/** The lines as a form, one at a time. Lines that are no requests of a batch are their bodies. */
function form(
  boundary: string,
  name: string,
  lines: AsyncIterable<string>,
  options: BatchRunOptions & { endpoint: string },
): Readable {
  return Readable.from(
    (async function* () {
      yield `--${boundary}\r\ncontent-disposition: form-data; name="purpose"\r\n\r\nbatch\r\n`;
      const shown = name.replaceAll('"', '_');
      yield `--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="${shown}"\r\n\r\n`;
      let number = 0;
      for await (const line of lines) yield `${asRequest(line, ++number, options)}\n`;
      yield `\r\n--${boundary}--\r\n`;
    })(),
  );
}

const linesOf = (input: NodeJS.ReadableStream): AsyncIterable<string> =>
  createInterface({ input, crlfDelay: Infinity });

async function* from(first: IteratorResult<string, unknown>, rest: AsyncIterator<string>): AsyncGenerator<string> {
  for (let line = first; line.done !== true; line = await rest.next()) yield line.value;
}

/** What is no JSON goes as it is: the server says what is wrong with it, and where. */
function asRequest(line: string, number: number, { endpoint, model }: { endpoint: string; model?: string }): string {
  const request = objectOf(line);
  if (request === undefined) return line;
  const isRequest = 'body' in request || 'custom_id' in request;
  if (isRequest && model === undefined) return line;
  const whole = isRequest ? request : { custom_id: `line-${number}`, method: 'POST', url: endpoint, body: request };
  const body = whole['body'];
  if (model === undefined || typeof body !== 'object' || body === null) return JSON.stringify(whole);
  return JSON.stringify({ ...whole, body: { ...body, model } });
}

function urlOf(first: IteratorResult<string, unknown>): string | undefined {
  const url = first.done === true ? undefined : objectOf(first.value)?.['url'];
  return typeof url === 'string' ? url : undefined;
}

function objectOf(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
