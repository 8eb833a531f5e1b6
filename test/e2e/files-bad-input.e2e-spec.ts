import { Agent, request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { MASTER_KEY } from '../support/sluice.js';
import { startStoringSluice, type StoringSluice } from '../support/storing-sluice.js';

let sluice: StoringSluice;

beforeAll(async () => {
  sluice = await startStoringSluice([{ profile: 'only' }]);
});
afterAll(() => sluice.stop());

const JSON_TYPE = 'application/json';
const FORM_TYPE = 'multipart/form-data; boundary=B';

/** One connection for all calls of an agent. */
function send(agent: Agent, method: string, path: string, type = JSON_TYPE, body = ''): Promise<number> {
  return new Promise((done, failed) => {
    const headers = { authorization: `Bearer ${MASTER_KEY}`, 'content-type': type };
    const sent = request(`${sluice.url}${path}`, { method, agent, headers, timeout: 10_000 }, (answer) => {
      answer.resume().once('end', () => done(answer.statusCode!));
    });
    sent.once('timeout', () => sent.destroy(new Error('no answer')));
    sent.once('error', failed).end(body);
  });
}

const part = (name: string, value: string, file = ''): string =>
  `--B\r\ncontent-disposition: form-data; name="${name}"${file && `; filename="${file}"`}\r\n\r\n${value}\r\n`;

async function json(method: string, path: string, body?: unknown) {
  const response = await fetch(`${sluice.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${MASTER_KEY}`, ...(body === undefined ? {} : { 'content-type': JSON_TYPE }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const { error } = (await response.json()) as { error?: { code?: string; type: string; param?: string } };
  return { status: response.status, ...error };
}

describe('a body that is refused in its middle', () => {
  const large = 'y'.repeat(3_000_000);
  it.each([
    ['of a message batch that is no object', '/v1/messages/batches', JSON_TYPE, `[${large}`],
    ['of a message batch with a bad request', '/v1/messages/batches', JSON_TYPE, `{"requests":[{"x":1},"${large}"]}`],
    ['of two files', '/v1/files', FORM_TYPE, part('file', large, 'a') + part('file', large, 'b')],
    ['of a form with a file for a word', '/v1/files', FORM_TYPE, part('purpose', 'x', 'a') + part('file', large, 'b')],
  ])('%s leaves the connection to the next call', async (_of, path, type, body) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    expect(await send(agent, 'POST', path, type, body)).toBe(400);
    expect(await send(agent, 'GET', '/v1/files')).toBe(200);
    agent.destroy();
  });
});

describe('what PostgreSQL cannot hold', () => {
  it.each(['files', 'batches', 'messages/batches', 'deliveries', 'webhook_endpoints'])(
    'is refused as an id or a cursor of %s, and no failure of ours',
    async (list) => {
      const [one, page] = [await json('GET', `/v1/${list}/a%00`), await json('GET', `/v1/${list}?after=a%00`)];
      expect(one).toMatchObject({ status: 400, type: 'invalid_request_error' });
      if (list === 'messages/batches') return; // its cursors have other names
      expect(page).toMatchObject({ status: 400, code: 'invalid_request' });
    },
  );

  it.each([{ a: '\0' }, { '\0': 'a' }, { a: '\ud800' }])('is refused in metadata: %j', async (metadata) => {
    const batch = { input_file_id: 'file-x', endpoint: '/v1/chat/completions', metadata };
    const receiver = { url: 'https://example.com/', metadata };
    const refused = { status: 400, code: 'invalid_request', param: 'metadata' };
    expect(await json('POST', '/v1/batches', batch)).toMatchObject(refused);
    expect(await json('POST', '/v1/webhook_endpoints', receiver)).toMatchObject(refused);
  });

  it('is refused as a key of metadata that jobs are looked for by', async () => {
    const refused = { status: 400, code: 'invalid_request', param: 'metadata[\0]' };
    expect(await json('GET', '/v1/jobs?metadata[%00]=x')).toMatchObject(refused);
  });

  it('is refused as a file in a response', async () => {
    const content = [{ type: 'input_file', file_id: '\0' }];
    const asked = { model: sluice.group, input: [{ role: 'user', content }] };
    expect(await json('POST', '/v1/responses', asked)).toMatchObject({ status: 400, code: 'invalid_request' });
  });
});

it.each([{ toString: 1 }, '3600', [3600], null])(
  'a batch whose output expires after %j seconds is refused',
  async (seconds) => {
    const asked = { input_file_id: 'file-x', endpoint: '/v1/chat/completions' };
    const refused = { status: 400, code: 'invalid_request', param: 'output_expires_after' };
    const body = { ...asked, output_expires_after: { anchor: 'created_at', seconds } };
    expect(await json('POST', '/v1/batches', body)).toMatchObject(refused);
  },
);
