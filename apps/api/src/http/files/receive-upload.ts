import { createHash, type Hash } from 'node:crypto';
import type { MultipartFile, MultipartValue } from '@fastify/multipart';
import { digestOf } from '@sluice/core';
import { FileTooLarge } from '@sluice/files';
import type { FileRow } from '@sluice/store';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { apiError } from '../api-error.js';
import { hashed } from './hashed.js';
import type { Once } from '../idempotency/once.js';
import { tenantOf } from '../request-options.js';
import { FILE_KEPT_MS, MOST_BYTES, type Kept, type KeptFiles, type Purpose } from './kept-files.js';

const MOST = Math.max(...Object.values(MOST_BYTES));
/** Of the form around the file. */
const FORM_BYTES = 64 * 1024;
const LEAST_KEPT_S = 3_600;
const MOST_KEPT_S = 2_592_000;

/**
 * `POST /v1/files`: the file goes to the storage as it comes, and becomes one when the whole form was right; else nothing is
 * left of it. Its purpose may come behind it (openai-node), so the smaller limit is looked at twice.
 * @throws 400, 413
 */
export async function receiveUpload(
  request: FastifyRequest,
  reply: FastifyReply,
  files: KeptFiles,
  once: Once,
): Promise<FileRow> {
  if (!request.isMultipart()) {
    throw apiError('invalid_request', 'The body must be multipart/form-data, with a file and a purpose.');
  }
  if (Number(request.headers['content-length'] ?? 0) > MOST + FORM_BYTES) throw tooLarge(MOST);
  const tenant = tenantOf(request.headers);
  const form = new Map<string, string>();
  /** Of the file's bytes, where a repeat is to be known by them. */
  const hash = request.headers['idempotency-key'] === undefined ? undefined : createHash('sha256');
  let kept: (Kept & { filename: string }) | undefined;
  try {
    for await (const part of request.parts()) {
      if (part.type === 'field') form.set(part.fieldname, textOf(part));
      else if (kept === undefined) kept = await keep(part, request, limitOf(form.get('purpose')), files, hash);
      else throw apiError('invalid_request', 'Send one file at a time.', 'file');
    }
    if (kept === undefined) throw apiError('invalid_request', 'file is missing.', 'file');
    const purpose = purposeOf(form.get('purpose'));
    if (kept.bytes > MOST_BYTES[purpose]) throw tooLarge(MOST_BYTES[purpose]);
    const { filename, id: ownId } = kept;
    const about = { tenant, purpose, filename, keptMs: keptMs(form) };
    const received = kept;
    const row = await once.make(request, reply, {
      tenant,
      ...(hash === undefined
        ? {}
        : {
            fingerprint: digestOf(
              filename,
              hash.digest('hex'),
              JSON.stringify([...form].toSorted(([a], [b]) => (a < b ? -1 : 1))),
            ),
          }),
      newId: () => ownId,
      make: async (id) => files.register(id === ownId ? received : await files.rename(received, id), about),
      find: (id) => files.find(tenant, id),
    });
    if (row.id !== ownId) await files.discard(received); // a repeat: its bytes are there already
    return row;
  } catch (error) {
    if (kept !== undefined) await files.discard(kept);
    throw error instanceof FileTooLarge ? tooLarge(error.mostBytes) : formError(error);
  }
}

async function keep(
  part: MultipartFile,
  request: FastifyRequest,
  mostBytes: number,
  files: KeptFiles,
  hash: Hash | undefined,
): Promise<Kept & { filename: string }> {
  const { file, fieldname, filename } = part;
  const cut = (): unknown => file.destroy(new Error('the upload was cut off'));
  request.raw.once('close', () => request.raw.complete || cut()); // else the rest would be waited for
  if (fieldname !== 'file') {
    file.resume();
    throw apiError('invalid_request', 'The file must be in the member "file".', 'file');
  }
  return {
    ...(await files.keep(hash === undefined ? file : hashed(file, hash), mostBytes)),
    filename: nameOf(filename),
  };
}

/** The last part of a path, without what does not belong into a header. */
const nameOf = (filename: string | undefined): string =>
  (filename ?? 'file')
    .replace(/^.*[\\/]/, '')
    .replace(/[\p{Cc}"]/gu, '_')
    .slice(0, 255) || 'file';

function textOf({ value, fieldname }: MultipartValue): string {
  if (typeof value === 'string') return value;
  throw apiError('invalid_request', `${fieldname} must be text.`, fieldname);
}

const isPurpose = (text: string | undefined): text is Purpose => text !== undefined && Object.hasOwn(MOST_BYTES, text);

const limitOf = (purpose: string | undefined): number => (isPurpose(purpose) ? MOST_BYTES[purpose] : MOST);

function purposeOf(text: string | undefined): Purpose {
  if (isPurpose(text)) return text;
  throw apiError('invalid_request', 'purpose must be batch or user_data.', 'purpose');
}

/** `expires_after[anchor]`, `expires_after[seconds]`, as SDKs write an object into a form. */
function keptMs(form: ReadonlyMap<string, string>): number {
  const anchor = form.get('expires_after[anchor]');
  const seconds = form.get('expires_after[seconds]');
  if (anchor === undefined && seconds === undefined) return FILE_KEPT_MS;
  if (anchor !== 'created_at')
    throw apiError('invalid_request', 'expires_after[anchor] must be created_at.', 'expires_after');
  return keptSeconds(Number(seconds ?? Number.NaN), 'expires_after') * 1_000;
}

export function keptSeconds(seconds: unknown, param: string): number {
  if (typeof seconds === 'number' && Number.isInteger(seconds) && seconds >= LEAST_KEPT_S && seconds <= MOST_KEPT_S)
    return seconds;
  throw apiError('invalid_request', `${param}.seconds must be from ${LEAST_KEPT_S} to ${MOST_KEPT_S}.`, param);
}

const tooLarge = (mostBytes: number): Error =>
  apiError('request_too_large', `A file of this purpose may have ${mostBytes / 1024 / 1024} MB.`, 'file');

/** What the reader of forms throws: a form that is none. */
function formError(error: unknown): unknown {
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (typeof code === 'string' && code.startsWith('FST_'))
    return apiError('invalid_request', 'The form cannot be read: too many parts, or it was cut off.');
  return /Multipart|multipart|Malformed part|boundary/.test(String(message)) && code === undefined
    ? apiError('invalid_request', 'The form cannot be read: it is no multipart/form-data.')
    : error;
}
