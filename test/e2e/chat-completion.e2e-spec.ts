import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { chat, startSluice, type SluiceUnderTest } from '../support/sluice.js';

describe('a chat completion, from the OpenAI client through the queue and back', () => {
  let sluice: SluiceUnderTest;

  beforeAll(async () => {
    sluice = await startSluice([{ profile: 'only' }]);
  });
  afterAll(() => sluice?.stop());

  it('answers in one piece, under its own id and the asked name', async () => {
    const { data, response } = await sluice.openai.chat.completions.create(chat(sluice.group)).withResponse();
    expect(data.choices[0]?.message.content).toBeTruthy();
    expect(data.choices[0]?.finish_reason).toBe('stop');
    expect(data.model).toBe(sluice.group);
    const jobId = response.headers.get('x-sluice-job-id')!;
    expect(data.id).toBe(`chatcmpl-${jobId.slice(4)}`);
    expect(response.headers.get('x-litellm-model-id')).toBe(`${sluice.group}-only`);
    expect(response.headers.get('x-litellm-attempted-retries')).toBe('0');
  });

  it('streams with one role, one finish and the usage that was asked for', async () => {
    const stream = await sluice.openai.chat.completions.create({
      ...chat(sluice.group),
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks = [];
    for await (const chunk of stream) chunks.push(chunk);
    expect(new Set(chunks.map((c) => c.id)).size).toBe(1);
    expect(chunks.filter((c) => c.choices[0]?.delta.role).length).toBe(1);
    expect(chunks.filter((c) => c.choices[0]?.finish_reason).length).toBe(1);
    expect(chunks.at(-1)?.usage?.total_tokens).toBeGreaterThan(0);
    expect(chunks.map((c) => c.choices[0]?.delta.content ?? '').join('')).toBeTruthy();
  });
});
