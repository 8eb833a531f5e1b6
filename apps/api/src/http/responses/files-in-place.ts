import { extname } from 'node:path';
import { recordOf, stringOf } from '@sluice/wire';
import { apiError, ApiException } from '../api-error.js';
import type { KeptFiles } from '../files/kept-files.js';

type Part = Readonly<Record<string, unknown>>;

/** By the name's ending: an upload says no type that could be relied on. */
const TYPES: Readonly<Record<string, string>> = {
  '.pdf': 'application/pdf',
  '.txt': 'text/plain',
  '.md': 'text/plain',
  '.csv': 'text/csv',
  '.json': 'application/json',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.gif': 'image/gif',
  '.webp': 'image/webp',
};

/**
 * `input` with the bytes of files in place that it names by `file_id`, as data URLs: no provider has our files.
 * @param mostBytes of all of them
 * @throws 400 naming the part; 413; 503 when the store is away
 */
export async function filesInPlace(
  input: unknown,
  tenant: string,
  files: Pick<KeptFiles, 'find' | 'read'>,
  mostBytes: number,
): Promise<unknown> {
  if (!Array.isArray(input) || !input.some((item) => partsOf(item).some(namesFile))) return input;
  let bytes = 0;
  const inPlace = async (part: unknown, at: string): Promise<unknown> => {
    if (!namesFile(part)) return part;
    const id = stringOf(recordOf(part)!['file_id'])!;
    const row = await files.find(tenant, id).catch(refused(`${at}.file_id`));
    bytes += row.bytes;
    if (bytes > mostBytes) {
      throw apiError('request_too_large', `The files of a call may hold ${mostBytes} bytes in all.`, `${at}.file_id`);
    }
    const url = `data:${typeOf(row.filename)};base64,${await base64Of(await files.read(row))}`;
    const { file_id: _id, ...rest } = recordOf(part)!;
    return rest['type'] === 'input_image'
      ? { ...rest, image_url: url }
      : { filename: row.filename, ...rest, file_data: url };
  };
  const whole: unknown[] = [];
  for (const [i, item] of input.entries()) {
    const of = recordOf(item);
    const member = of?.['content'] === undefined ? 'output' : 'content';
    const parts: unknown[] = [];
    // One after the other: the limit holds before the next is read.
    for (const [j, part] of partsOf(item).entries()) parts.push(await inPlace(part, `input[${i}].${member}[${j}]`));
    whole.push(parts.some((part, j) => part !== partsOf(item)[j]) ? { ...of, [member]: parts } : item);
  }
  return whole;
}

function partsOf(item: unknown): readonly unknown[] {
  const { content, output } = recordOf(item) ?? {};
  const parts = content ?? output;
  return Array.isArray(parts) ? parts : [];
}

/** A part that brings its data itself does not need the file. */
function namesFile(value: unknown): boolean {
  const part: Part = recordOf(value) ?? {};
  if (typeof part['file_id'] !== 'string') return false;
  if (part['type'] === 'input_image') return typeof part['image_url'] !== 'string';
  return part['type'] === 'input_file' && typeof part['file_data'] !== 'string' && typeof part['file_url'] !== 'string';
}

const typeOf = (filename: string): string => TYPES[extname(filename).toLowerCase()] ?? 'application/octet-stream';

async function base64Of(source: AsyncIterable<Uint8Array>): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of source) pieces.push(piece);
  return Buffer.concat(pieces).toString('base64');
}

const refused =
  (param: string) =>
  (thrown: unknown): never => {
    if (!(thrown instanceof ApiException) || thrown.error.code !== 'not_found') throw thrown;
    throw apiError('invalid_request', `${param} must be the id of a file that is kept here.`, param);
  };
