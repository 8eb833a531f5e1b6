import { afterAll, beforeAll, expect, it } from '@jest/globals';
import OpenAI, { toFile } from 'openai';
import type { ResponseInput } from 'openai/resources/responses/responses';
import { MASTER_KEY } from '../support/sluice.js';
import { startStoringSluice, type StoringSluice } from '../support/storing-sluice.js';

/** Files that were uploaded, named in the input of a response. */
let sluice: StoringSluice;

beforeAll(async () => {
  sluice = await startStoringSluice([{ profile: 'only' }], { yaml: 'general_settings: {max_request_size_mb: 1}' });
});
afterAll(() => sluice?.stop());

const upload = async (name: string, bytes: Buffer | string): Promise<string> =>
  (await sluice.openai.files.create({ file: await toFile(Buffer.from(bytes), name), purpose: 'user_data' })).id;
const ask = (content: object[], openai = sluice.openai) =>
  openai.responses.create({ model: sluice.group, input: [{ role: 'user', content }] as ResponseInput });

it('sends their bytes to the provider, and keeps them in the conversation', async () => {
  const [pdf, image] = [await upload('a.pdf', '%PDF'), await upload('b.PNG', 'png')];
  const first = await ask([
    { type: 'input_text', text: 'Read.' },
    { type: 'input_file', file_id: pdf },
    { type: 'input_image', file_id: image, detail: 'low' },
  ]);
  const content = [
    { type: 'text', text: 'Read.' },
    { type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,JVBERg==' } },
    { type: 'image_url', image_url: { url: 'data:image/png;base64,cG5n', detail: 'low' } },
  ];
  expect(sluice.simulator.requests({}).at(-1)!.body).toMatchObject({ messages: [{ role: 'user', content }] });

  await sluice.openai.files.delete(pdf);
  await sluice.openai.responses.create({ model: sluice.group, input: 'Go on.', previous_response_id: first.id });
  const { messages } = sluice.simulator.requests({}).at(-1)!.body as { messages: object[] };
  expect(messages[0]).toEqual({ role: 'user', content });
  expect((await sluice.openai.responses.inputItems.list(first.id)).data[0]).toMatchObject({
    content: [{ type: 'input_text' }, { type: 'input_file', file_id: pdf }, { type: 'input_image', file_id: image }],
  });
});

it('names a file that is not there, or not the caller’s, and one that is too large', async () => {
  const id = await upload('c.txt', 'x');
  const headers = { 'x-sluice-tenant': 'other' };
  const other = new OpenAI({ apiKey: MASTER_KEY, baseURL: `${sluice.url}/v1`, maxRetries: 0, defaultHeaders: headers });
  const part = { type: 'input_file', file_id: id };
  await expect(ask([part], other)).rejects.toMatchObject({ status: 400, param: 'input[0].content[0].file_id' });
  await expect(ask([{ ...part, file_id: 'file-nobody' }])).rejects.toMatchObject({ status: 400 });
  const large = await upload('d.txt', Buffer.alloc(800_000));
  await expect(ask([part, { ...part, file_id: large }])).rejects.toMatchObject({
    status: 413,
    param: 'input[0].content[1].file_id',
  });
});
