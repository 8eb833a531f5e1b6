import OpenAI, { toFile } from 'openai';
import type { Batch } from 'openai/resources/batches';
import { eventually } from '../eventually.js';

/** One line of a batch's file. */
export const chatLine = (customId: string, model: string, body: Record<string, unknown> = {}): string =>
  JSON.stringify({
    custom_id: customId,
    method: 'POST',
    url: '/v1/chat/completions',
    body: { model, messages: [{ role: 'user', content: `call ${customId}.` }], ...body },
  });

export const upload = async (openai: OpenAI, lines: readonly string[]) =>
  openai.files.create({ file: await toFile(Buffer.from(`${lines.join('\n')}\n`), 'lines.jsonl'), purpose: 'batch' });

export async function startBatch(
  openai: OpenAI,
  lines: readonly string[],
  members: Record<string, unknown> = {},
): Promise<Batch> {
  const { id } = await upload(openai, lines);
  return openai.batches.create({
    input_file_id: id,
    endpoint: '/v1/chat/completions',
    completion_window: '24h',
    ...members,
  });
}

const OVER = ['completed', 'failed', 'expired', 'cancelled'];

export async function untilOver(openai: OpenAI, id: string, withinMs = 15_000): Promise<Batch> {
  let batch = await openai.batches.retrieve(id);
  await eventually(
    async () => {
      if (OVER.includes(batch.status)) return true;
      batch = await openai.batches.retrieve(id);
      return OVER.includes(batch.status);
    },
    { withinMs, what: `the batch to be over: ${batch.status}` },
  );
  return batch;
}

export interface ResultLine {
  id: string;
  custom_id: string;
  response: { status_code: number; request_id: string; body: Record<string, unknown> } | null;
  error: { code: string; message: string } | null;
}

export async function linesOf(openai: OpenAI, fileId: string | null | undefined): Promise<ResultLine[]> {
  if (fileId === null || fileId === undefined) return [];
  const content = await (await openai.files.content(fileId)).text();
  return content
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as ResultLine);
}
