import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { FileCatalog } from '@sluice/store';
import { eventually } from '../eventually.js';
import { chatLine, linesOf, startBatch, untilOver, upload } from '../support/batch-lines.js';
import { MASTER_KEY } from '../support/sluice.js';
import { startStoringSluice, type StoringSluice } from '../support/storing-sluice.js';

let sluice: StoringSluice;

beforeAll(async () => {
  sluice = await startStoringSluice([{ profile: 'only' }, { profile: 'slow', group: 'slow' }]);
  sluice.simulator.setProfile('slow', { rules: [{ do: { hang: true } }] });
});
afterAll(() => sluice.stop());

const ask = async (path: string, init: RequestInit = {}) => {
  const json = init.body === undefined ? {} : { 'content-type': 'application/json' };
  const headers = { authorization: `Bearer ${MASTER_KEY}`, ...json, ...(init.headers as Record<string, string>) };
  const response = await fetch(`${sluice.url}${path}`, { ...init, headers });
  return {
    status: response.status,
    body: (await response.json()) as Record<string, never> & { error?: { code: string } },
  };
};
const bytesOf = (fileId: string): string => join(sluice.dataDir, 'files', fileId.slice(-2), fileId);
const ids = (n: number): string[] => Array.from({ length: n }, (_, i) => `line-${i}`);

describe('a batch', () => {
  it('runs its lines and writes their answers in the order of the input', async () => {
    const { openai, group } = sluice;
    const batch = await startBatch(
      openai,
      ids(30).map((id) => chatLine(id, group)),
      { metadata: { team: 'blue' } },
    );
    expect(batch).toMatchObject({ object: 'batch', status: 'validating', metadata: { team: 'blue' } });
    const over = await untilOver(openai, batch.id);
    expect(over).toMatchObject({ status: 'completed', request_counts: { total: 30, completed: 30, failed: 0 } });
    expect(over.error_file_id).toBeNull();
    expect(over.usage!.total_tokens).toBeGreaterThan(0);
    const output = await linesOf(openai, over.output_file_id);
    expect(output.map(({ custom_id: id }) => id)).toEqual(ids(30));
    expect(output[0]).toMatchObject({
      response: { status_code: 200, body: { object: 'chat.completion' } },
      error: null,
    });
  });

  it('fails a line for what is wrong with its body, and runs the others', async () => {
    const { openai, group } = sluice;
    const batch = await startBatch(openai, [
      chatLine('good', group),
      chatLine('no-model', 'no-such-model'),
      JSON.stringify({ custom_id: 'no-body', method: 'POST', url: '/v1/chat/completions' }),
      chatLine('streamed', group, { stream: true }),
      chatLine('no-messages', group, { messages: [] }),
      chatLine('own-key', group, { api_key: 'sk-mine' }),
    ]);
    const over = await untilOver(openai, batch.id);
    expect(over).toMatchObject({ status: 'completed', request_counts: { total: 6, completed: 1, failed: 5 } });
    const failed = await linesOf(openai, over.error_file_id);
    const seen = failed.map(({ custom_id: id, response }) => [
      id,
      response!.status_code,
      (response!.body['error'] as { param: string }).param,
    ]);
    expect(seen).toEqual([
      ['no-model', 404, 'model'],
      ['no-body', 400, 'body'],
      ['streamed', 400, 'stream'],
      ['no-messages', 400, 'messages'],
      ['own-key', 400, 'api_key'],
    ]);
  });

  it('is failed, with line numbers, when the file is none', async () => {
    const { openai, group } = sluice;
    const batch = await startBatch(openai, [chatLine('a', group), '{"custom_id":', chatLine('a', group)]);
    const over = await untilOver(openai, batch.id);
    expect(over.status).toBe('failed');
    expect(over.failed_at).not.toBeNull();
    expect(over.errors!.data!.map(({ line, code }) => [line, code])).toEqual([
      [2, 'invalid_json_line'],
      [3, 'duplicate_custom_id'],
    ]);
    expect([over.output_file_id, over.error_file_id]).toEqual([null, null]);
  });

  it('shows its output while it runs, and keeps it when it is cancelled', async () => {
    const { openai, group } = sluice;
    const lines = [
      ...ids(5).map((id) => chatLine(id, group)),
      ...ids(3).map((id) => chatLine(`slow-${id}`, `${group}-slow`)),
    ];
    const batch = await startBatch(openai, lines);
    const isDone = async () => (await openai.batches.retrieve(batch.id)).request_counts!.completed === 5;
    await eventually(isDone, { withinMs: 10_000, what: 'the quick lines to be done' });
    const soFar = await fetch(`${sluice.url}/v1/batches/${batch.id}/output`, {
      headers: { authorization: `Bearer ${MASTER_KEY}` },
    });
    const written = (await soFar.text()).trimEnd().split('\n');
    expect(written.map((line) => (JSON.parse(line) as { custom_id: string }).custom_id)).toEqual(ids(5));

    expect(await openai.batches.cancel(batch.id)).toMatchObject({ status: 'cancelling' });
    const over = await untilOver(openai, batch.id);
    expect(over).toMatchObject({ status: 'cancelled', request_counts: { total: 8, completed: 5, failed: 3 } });
    expect(await openai.batches.cancel(batch.id)).toMatchObject({ status: 'cancelled' });
    expect(await linesOf(openai, over.output_file_id)).toHaveLength(5);
    const errors = await linesOf(openai, over.error_file_id);
    expect(errors.map(({ response, error }) => [response, error?.code])).toEqual(
      Array.from({ length: 3 }, () => [null, 'batch_cancelled']),
    );
  });

  it('is cancelled while its lines are still being fed', async () => {
    const { openai, group } = sluice;
    const batch = await startBatch(
      openai,
      ids(250).map((id) => chatLine(id, `${group}-slow`)),
    );
    const isFull = (): boolean => sluice.simulator.stats().inFlight >= 100;
    await eventually(isFull, { withinMs: 10_000, what: 'as many lines to run as may' });
    await openai.batches.cancel(batch.id);
    const over = await untilOver(openai, batch.id);
    expect(over).toMatchObject({ status: 'cancelled', request_counts: { total: 250, completed: 0, failed: 250 } });
    expect(sluice.simulator.stats().inFlight).toBe(0);
    const errors = await linesOf(openai, over.error_file_id);
    expect(errors.map(({ custom_id: id }) => id)).toEqual(ids(250));
  });

  it('ends with its window: what has not run by then is told so', async () => {
    const { openai, group } = sluice;
    const lines = [chatLine('quick', group), ...ids(2).map((id) => chatLine(id, `${group}-slow`))];
    const { id } = await startBatch(openai, lines, { completion_window: '1m' });
    const isDone = async () => (await openai.batches.retrieve(id)).request_counts!.completed === 1;
    await eventually(isDone, { withinMs: 10_000, what: 'the quick line to be done' });
    await sluice.database.use((db) => db.execute(`update sluice.batches set expires_at_ms = 0 where id = '${id}'`)); // a minute later
    const over = await untilOver(openai, id);
    expect(over).toMatchObject({ status: 'expired', request_counts: { total: 3, completed: 1, failed: 2 } });
    expect(over.expired_at).not.toBeNull();
    expect(await linesOf(openai, over.output_file_id)).toHaveLength(1);
    const errors = await linesOf(openai, over.error_file_id);
    expect(errors.map(({ custom_id: custom, error }) => [custom, error?.code])).toEqual(
      ids(2).map((custom) => [custom, 'batch_expired']),
    );
  });

  it('is made anew of the lines that failed', async () => {
    const { openai, group } = sluice;
    const lines = [chatLine('good', group), chatLine('bad', 'no-such-model'), chatLine('worse', 'no-such-model')];
    const first = await untilOver(openai, (await startBatch(openai, lines)).id);
    const { status, body } = await ask(`/v1/batches/${first.id}/retry`, { method: 'POST' });
    expect(status).toBe(200);
    expect(body).toMatchObject({ object: 'batch', retried_from: first.id });
    const again = await untilOver(openai, body['id']!);
    expect(again.request_counts).toEqual({ total: 2, completed: 0, failed: 2 });
    expect((await linesOf(openai, again.error_file_id)).map(({ custom_id: id }) => id)).toEqual(['bad', 'worse']);
  });

  it('has nothing to retry when nothing failed, or while it runs', async () => {
    const { openai, group } = sluice;
    const good = await untilOver(openai, (await startBatch(openai, [chatLine('good', group)])).id);
    expect(await ask(`/v1/batches/${good.id}/retry`, { method: 'POST' })).toMatchObject({ status: 400 });
    const running = await startBatch(openai, [chatLine('slow', `${group}-slow`)]);
    expect(await ask(`/v1/batches/${running.id}/retry`, { method: 'POST' })).toMatchObject({
      status: 409,
      body: { error: { code: 'job_not_terminal' } },
    });
    const file = await ask(`/v1/files/${running.input_file_id}`, { method: 'DELETE' });
    expect(file).toMatchObject({ status: 409, body: { error: { code: 'job_not_terminal' } } });
    await openai.batches.cancel(running.id);
    await untilOver(openai, running.id);
  });

  it('runs embeddings, and Responses by way of chat', async () => {
    const { openai, group } = sluice;
    const line = (url: string, body: Record<string, unknown>) =>
      JSON.stringify({ custom_id: 'one', method: 'POST', url, body: { model: group, ...body } });
    const embeddings = await startBatch(openai, [line('/v1/embeddings', { input: 'hello' })], {
      endpoint: '/v1/embeddings',
    });
    const responses = await startBatch(openai, [line('/v1/responses', { input: 'hello' })], {
      endpoint: '/v1/responses',
    });
    for (const [{ id }, object] of [
      [embeddings, 'list'],
      [responses, 'response'],
    ] as const) {
      const over = await untilOver(openai, id);
      expect(over).toMatchObject({ status: 'completed', request_counts: { completed: 1 } });
      const [output] = await linesOf(openai, over.output_file_id);
      expect(output!.response!.body['object']).toBe(object);
    }
  });

  it('is refused with the member that is wrong', async () => {
    const { openai } = sluice;
    const { id } = await upload(openai, ['{}']);
    const create = { input_file_id: id, endpoint: '/v1/chat/completions', completion_window: '24h' };
    const cases: [Record<string, unknown>, string][] = [
      [{ input_file_id: undefined }, 'input_file_id'],
      [{ endpoint: '/v1/images/generations' }, 'endpoint'],
      [{ completion_window: '8d' }, 'completion_window'],
      [{ metadata: { a: 1 } }, 'metadata.a'],
      [{ output_expires_after: { anchor: 'created_at', seconds: 1 } }, 'output_expires_after'],
    ];
    for (const [change, param] of cases) {
      const body = JSON.stringify({ ...create, ...change });
      expect(await ask('/v1/batches', { method: 'POST', body })).toMatchObject({
        status: 400,
        body: { error: { param } },
      });
    }
    const body = JSON.stringify({ ...create, input_file_id: `file-${randomUUID()}` });
    expect(await ask('/v1/batches', { method: 'POST', body })).toMatchObject({ status: 404 });
  });

  it('has lines that are jobs, told of when their results are written and their records freed', async () => {
    const { openai, group } = sluice;
    const { id } = await startBatch(openai, [chatLine('a', group), chatLine('b', group)]);
    const [line] = await linesOf(openai, (await untilOver(openai, id)).output_file_id);
    const job = `/v1/jobs/${line!.response!.request_id}`;
    expect(await ask(job)).toMatchObject({ status: 200, body: { status: 'completed', batch_id: id } });
    const { status, body } = await ask('/v1/jobs?limit=100');
    expect(status).toBe(200);
    const listed = body['data'] as unknown as { batch_id: string | null; status: string }[];
    expect(listed.filter(({ batch_id: of }) => of === id).map((each) => each.status)).toEqual([
      'completed',
      'completed',
    ]);
    expect(await ask(`${job}/result`)).toMatchObject({ status: 410, body: { error: { code: 'result_expired' } } });
    expect(await ask(`${job}/events`)).toMatchObject({ status: 404 });
    expect(await ask(`${job}/retry`, { method: 'POST', body: '{}' })).toMatchObject({
      status: 409,
      body: { error: { code: 'request_not_retained' } },
    });
    expect(await ask(`${job}/cancel`, { method: 'POST' })).toMatchObject({ status: 404 });
    expect(await ask(job, { method: 'DELETE' })).toMatchObject({ status: 200, body: { deleted: true } });
    expect(await ask(job)).toMatchObject({ status: 404 });
  });

  it('is over soon when its input is not there any more', async () => {
    const { openai, group } = sluice;
    const { id: file } = await upload(openai, [chatLine('a', group)]);
    rmSync(bytesOf(file));
    const create = { input_file_id: file, endpoint: '/v1/chat/completions', completion_window: '24h' } as const;
    const failed = await untilOver(openai, (await openai.batches.create(create)).id);
    expect([failed.status, failed.errors!.data![0]!.code]).toEqual(['failed', 'input_file_gone']);

    const lines = [chatLine('quick', group), ...ids(1_500).map((each) => chatLine(each, `${group}-slow`))];
    const batch = await startBatch(openai, lines);
    const isDone = async () => (await openai.batches.retrieve(batch.id)).request_counts!.completed === 1;
    await eventually(isDone, { withinMs: 10_000, what: 'the quick line to be done' });
    rmSync(bytesOf(batch.input_file_id));
    await openai.batches.cancel(batch.id);
    const over = await untilOver(openai, batch.id);
    expect(over).toMatchObject({ status: 'cancelled', request_counts: { total: 1_501, completed: 1, failed: 1_500 } });
    expect((await linesOf(openai, over.output_file_id)).map(({ custom_id: custom }) => custom)).toEqual(['quick']);
  });

  it('keeps its input, whose own time may be over, until it is over itself', async () => {
    const { openai, group, database } = sluice;
    const batch = await startBatch(openai, [chatLine('slow', `${group}-slow`)]);
    const file = batch.input_file_id;
    await database.use((db) => db.execute(`update sluice.files set expires_at_ms = 1 where id = '${file}'`));
    const expired = new FileCatalog(database);
    expect(await expired.expired(2, 10)).toEqual([]);
    await openai.batches.cancel(batch.id);
    await untilOver(openai, batch.id);
    expect(await expired.expired(2, 10)).toEqual([file]);
  });

  it('and its file are refused, and not failed, with text that no database keeps', async () => {
    const { openai, group } = sluice;
    const { id } = await upload(openai, [chatLine('a', group)]);
    const create = (change: string): Promise<{ status: number }> =>
      ask('/v1/batches', {
        method: 'POST',
        body: `{"input_file_id":"${id}","endpoint":"/v1/chat/completions",${change}}`,
      });
    for (const text of ['\\u0000', '\\ud800'])
      expect(await create(`"metadata":{"a":"${text}"}`)).toMatchObject({ status: 400 });
    expect(await create('"input_file_id":"a\\u0000"')).toMatchObject({ status: 400 });
    for (const path of ['/v1/batches/%00', '/v1/batches?after=%00', '/v1/files/%00', '/v1/files?purpose=%00'])
      expect(await ask(path)).toMatchObject({ status: 400, body: { error: { code: 'invalid_request' } } });
    expect(await ask('/v1/jobs?metadata[%00]=a')).toMatchObject({ status: 400 });
  });

  it("is nobody else's", async () => {
    const { openai, group } = sluice;
    const batch = await startBatch(openai, [chatLine('a', group)]);
    const other = { 'x-sluice-tenant': 'other' };
    const unknown = await ask('/v1/batches/batch_0', { headers: other });
    for (const path of ['', '/output']) {
      expect(await ask(`/v1/batches/${batch.id}${path}`, { headers: other })).toMatchObject({ status: 404 });
    }
    for (const path of ['/cancel', '/retry']) {
      expect(await ask(`/v1/batches/${batch.id}${path}`, { method: 'POST', headers: other })).toMatchObject({
        status: 404,
      });
    }
    expect(unknown).toMatchObject({ status: 404, body: { error: { code: 'not_found' } } });
    expect(await ask('/v1/batches', { headers: other })).toMatchObject({
      status: 200,
      body: { data: [], has_more: false },
    });
    await untilOver(openai, batch.id);
  });

  it('stands in the list, newest first, page by page', async () => {
    const { openai, group } = sluice;
    const tenant = { headers: { 'x-sluice-tenant': 'lister' } };
    const { id: file } = await openai.files.create(
      { file: new File([chatLine('a', group)], 'a.jsonl'), purpose: 'batch' },
      tenant,
    );
    const made: string[] = [];
    for (let i = 0; i < 3; i++) {
      const create = { input_file_id: file, endpoint: '/v1/chat/completions', completion_window: '24h' } as const;
      made.unshift((await openai.batches.create(create, tenant)).id);
    }
    const listed: string[] = [];
    for await (const { id } of openai.batches.list({ limit: 2 }, tenant)) listed.push(id);
    expect(listed).toEqual(made);
  });
});
