import { readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { toFile } from 'openai';
import { eventually } from '../eventually.js';
import { chatLine, startBatch, untilOver } from '../support/batch-lines.js';
import { MASTER_KEY } from '../support/sluice.js';
import { startStoringSluice, type StoringSluice } from '../support/storing-sluice.js';

let sluice: StoringSluice;

beforeAll(async () => {
  sluice = await startStoringSluice([{ profile: 'only' }]);
});
afterAll(() => sluice.stop());

const auth = { authorization: `Bearer ${MASTER_KEY}` };
const MB = 1024 * 1024;

/** Whatever is in the folder of files: whole ones and parts. */
const stored = (): string[] =>
  readdirSync(join(sluice.dataDir, 'files'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => name);

async function post(form: FormData | string, headers: Record<string, string> = {}) {
  const response = await fetch(`${sluice.url}/v1/files`, {
    method: 'POST',
    body: form,
    headers: { ...auth, ...headers },
  });
  return { status: response.status, body: (await response.json()) as Record<string, never> & { error?: unknown } };
}
function formOf(members: Record<string, string>, file: string | undefined = 'hello', name = 'a.jsonl'): FormData {
  const form = new FormData();
  if (file !== undefined) form.set('file', new Blob([file]), name);
  for (const [member, value] of Object.entries(members)) form.set(member, value);
  return form;
}

describe('a file', () => {
  it('that the database does not take leaves nothing, whichever route it came by', async () => {
    const { openai, group, database } = sluice;
    const lines = [chatLine('bad', 'no-such-model')];
    const failed = await untilOver(openai, (await startBatch(openai, lines)).id);
    const before = stored();
    const put = (path: string, body?: string): Promise<Response> =>
      fetch(`${sluice.url}${path}`, {
        method: 'POST',
        headers: { ...auth, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
        ...(body === undefined ? {} : { body }),
      });
    const params = { model: group, max_tokens: 9, messages: [{ role: 'user', content: 'hi' }] };
    const requests = JSON.stringify({ requests: [{ custom_id: 'a', params }] });
    await database.use((db) => db.execute('alter table sluice.files rename to files_away'));
    try {
      expect((await post(formOf({ purpose: 'user_data' }))).status).toBe(500);
      expect((await put('/v1/messages/batches', requests)).status).toBe(500);
      expect((await put(`/v1/batches/${failed.id}/retry`)).status).toBe(500);
    } finally {
      await database.use((db) => db.execute('alter table sluice.files_away rename to files'));
    }
    expect(stored()).toEqual(before);
  });

  it('is stored as it came, listed, read and deleted', async () => {
    const { openai } = sluice;
    const made = await openai.files.create({
      file: await toFile(Buffer.from('äöü\n'), 'notes.txt'),
      purpose: 'user_data',
    });
    expect(made).toMatchObject({
      object: 'file',
      bytes: 7,
      filename: 'notes.txt',
      purpose: 'user_data',
      status: 'processed',
    });
    expect(made.expires_at! - made.created_at).toBe(30 * 86_400);
    expect(await openai.files.retrieve(made.id)).toEqual(made);
    const content = await openai.files.content(made.id);
    expect(content.headers.get('content-length')).toBe('7');
    expect(await content.text()).toBe('äöü\n');
    expect((await openai.files.list({ purpose: 'user_data' })).data.map(({ id }) => id)).toContain(made.id);
    expect((await openai.files.list({ purpose: 'batch' })).data.map(({ id }) => id)).not.toContain(made.id);
    expect(await openai.files.delete(made.id)).toEqual({ id: made.id, object: 'file', deleted: true });
    await expect(openai.files.retrieve(made.id)).rejects.toMatchObject({ status: 404, code: 'not_found' });
    expect(stored()).not.toContain(made.id);
  });

  it('expires when its owner says so', async () => {
    const { openai } = sluice;
    const made = await openai.files.create({
      file: await toFile(Buffer.from('x'), 'x'),
      purpose: 'batch',
      expires_after: { anchor: 'created_at', seconds: 3_600 },
    });
    expect(made.expires_at! - made.created_at).toBe(3_600);
  });

  it("is nobody else's", async () => {
    const { openai } = sluice;
    const { id } = await openai.files.create({ file: await toFile(Buffer.from('x'), 'x'), purpose: 'batch' });
    const other = { headers: { 'x-sluice-tenant': 'other' } };
    for (const call of [
      () => openai.files.retrieve(id, other),
      () => openai.files.content(id, other),
      () => openai.files.delete(id, other),
    ]) {
      await expect(call()).rejects.toMatchObject({ status: 404, code: 'not_found' });
    }
    expect((await openai.files.list({}, other)).data).toEqual([]);
  });

  it.each<[string, FormData | string, number, string]>([
    ['no purpose', formOf({}), 400, 'purpose'],
    ['another purpose', formOf({ purpose: 'fine-tune' }), 400, 'purpose'],
    [
      'no file',
      (() => {
        const form = new FormData();
        form.set('purpose', 'batch');
        return form;
      })(),
      400,
      'file',
    ],
    [
      'a time that is too short',
      formOf({ purpose: 'batch', 'expires_after[anchor]': 'created_at', 'expires_after[seconds]': '5' }),
      400,
      'expires_after',
    ],
    ['no form', '{}', 400, ''],
  ])('is refused with %s, and nothing is left of it', async (_, form, status, param) => {
    const before = stored();
    const headers: Record<string, string> = typeof form === 'string' ? { 'content-type': 'application/json' } : {};
    const answer = await post(form, headers);
    expect(answer).toMatchObject({ status, body: { error: { code: 'invalid_request', param: param || null } } });
    expect(stored()).toEqual(before);
  });

  it('F21: is refused above the size of its purpose, wherever in the form that stands', async () => {
    const before = stored();
    const large = new Blob([Buffer.alloc(201 * MB)]);
    const purposeFirst = new FormData();
    purposeFirst.set('purpose', 'batch');
    purposeFirst.set('file', large, 'large.jsonl');
    const purposeLast = new FormData();
    purposeLast.set('file', large, 'large.jsonl');
    purposeLast.set('purpose', 'batch');
    for (const form of [purposeFirst, purposeLast]) {
      expect(await post(form)).toMatchObject({
        status: 413,
        body: { error: { code: 'request_too_large', param: 'file' } },
      });
    }
    expect(stored()).toEqual(before);
  });

  it('leaves nothing when its upload is cut off', async () => {
    const before = stored();
    const head =
      `POST /v1/files HTTP/1.1\r\nhost: a\r\nauthorization: ${auth.authorization}\r\ncontent-length: 1000000\r\n` +
      'content-type: multipart/form-data; boundary=b\r\n\r\n' +
      '--b\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n';
    const socket = connect(Number(new URL(sluice.url).port), '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(head + 'x'.repeat(200_000));
    await eventually(() => stored().length > before.length, { withinMs: 5_000, what: 'the upload to begin' });
    socket.resetAndDestroy();
    await eventually(() => stored().length === before.length, { withinMs: 5_000, what: 'the part to be removed' });
    expect(stored()).toEqual(before);
  });
});
