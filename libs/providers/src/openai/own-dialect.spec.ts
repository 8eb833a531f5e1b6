import { describe, expect, it } from '@jest/globals';
import { anthropicAdapter } from '../anthropic/anthropic-adapter.js';
import { azureAdapter } from '../azure/azure-adapter.js';
import { callWithMembers } from '../call-with-members.js';
import { deploymentOf, ownCallOf, readStream, replyOf, sse } from '../test-calls.js';
import { openaiAdapter } from './openai-adapter.js';

const GPT = deploymentOf({}, { model: 'gpt-x' });
const CLAUDE = deploymentOf({}, { provider: 'anthropic', model: 'claude-3-haiku' });
const embeddings = (members: Record<string, unknown> = {}) => ownCallOf('/v1/embeddings', { input: 'Hi', ...members });
const completion = (members: Record<string, unknown> = {}) =>
  ownCallOf('/v1/completions', { prompt: 'Hi', ...members });
const bodyOf = (call: ReturnType<typeof embeddings>, deployment = GPT): unknown =>
  JSON.parse(openaiAdapter.request(call, deployment).body);

describe('W49: embeddings', () => {
  it('go on byte by byte, to their route', () => {
    const source = '{"model":"asked","input":["a", [1,2]],"encoding_format":"base64","num_retries":2}';
    const { url, body } = openaiAdapter.request(ownCallOf('/v1/embeddings', {}, undefined, source), GPT);
    expect(url).toBe('http://127.0.0.1:1/v1/embeddings');
    expect(body).toBe('{"model":"gpt-x","input":["a", [1,2]],"encoding_format":"base64"}');
  });

  it('have the defaults that mean something to them', () => {
    const deployment = deploymentOf({ defaults: { dimensions: 8, temperature: 1 } }, { model: 'e' });
    expect(bodyOf(embeddings(), deployment)).toEqual({ model: 'e', input: 'Hi', dimensions: 8 });
  });

  it.each([
    ['http://h/v1/chat/completions', undefined, 'http://h/v1/embeddings'],
    ['http://h/v1/embeddings', undefined, 'http://h/v1/embeddings'],
  ])('find their route from %s', (baseUrl, _version, url) => {
    expect(openaiAdapter.request(embeddings(), deploymentOf({ baseUrl })).url).toBe(url);
  });

  it.each([
    ['https://r.test', undefined, 'https://r.test/openai/deployments/gpt-x/embeddings?api-version=2025-02-01-preview'],
    ['https://r.test', 'v1', 'https://r.test/openai/v1/embeddings'],
    [
      'https://r.test/openai/deployments/gpt-x/chat/completions?api-version=V',
      undefined,
      'https://r.test/openai/deployments/gpt-x/embeddings?api-version=V',
    ],
  ])('find Azure’s route from %s', (baseUrl, apiVersion, url) => {
    const deployment = deploymentOf({ baseUrl, apiVersion }, { provider: 'azure' });
    expect(azureAdapter.request(embeddings(), deployment).url).toBe(url);
  });

  it('are answered byte by byte, with their usage', () => {
    const source =
      '{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.10]}],"model":"e-1","usage":{"prompt_tokens":4,"total_tokens":4}}';
    expect(openaiAdapter.answer(replyOf(source), embeddings(), GPT, 0)).toMatchObject({
      text: source.replace('"e-1"', '"asked"'),
      usage: { prompt: 4, completion: 0, estimated: false },
    });
  });

  it.each([
    ['an error', { error: { type: 'server_error', message: 'x' } }, 'server'],
    ['no data', { object: 'list' }, 'malformed'],
    ['no JSON', '<', 'malformed'],
  ])('have failed with %s', (_what, body, kind) => {
    expect(openaiAdapter.answer(replyOf(body), embeddings(), GPT, 0)).toMatchObject({ failure: { kind } });
  });

  it('and moderations are answered by nobody who only chats', () => {
    expect(anthropicAdapter.unsupported(embeddings(), CLAUDE)).toEqual(['/v1/embeddings']);
    expect(anthropicAdapter.unsupported(ownCallOf('/v1/moderations', { input: 'x' }), CLAUDE)).toEqual([
      '/v1/moderations',
    ]);
  });

  it('can be asked of a fallback with members of its own', () => {
    const call = callWithMembers(embeddings({ dimensions: 8 }), { input: 'Ho', dimensions: null });
    expect(bodyOf(call)).toEqual({ model: 'gpt-x', input: 'Ho' });
  });
});

describe('completions', () => {
  it('are answered as they are, with id, created and model ours', () => {
    const body = { id: 'x', object: 'o', created: 1, model: 'm', choices: [{ text: 'Yo', finish_reason: 'stop' }] };
    const answer = openaiAdapter.answer(replyOf(body), completion(), GPT, 0);
    expect(JSON.parse((answer as { text: string }).text)).toEqual({
      ...body,
      id: 'cmpl-1',
      object: 'text_completion',
      created: 1_700_000_000,
      model: 'asked',
    });
    expect(answer).toMatchObject({ usage: { estimated: true }, finishes: [{ choice: 0, reason: 'stop' }] });
    const unfinished = { choices: [{ text: 'Yo', finish_reason: null }] };
    expect(openaiAdapter.answer(replyOf(unfinished), completion(), GPT, 0)).toMatchObject({
      failure: { kind: 'malformed' },
    });
  });

  it('stream their texts', () => {
    const chunk = (text: string, finish: string | null = null) => ({
      id: 'x',
      object: 'text_completion',
      created: 1,
      model: 'm',
      choices: [{ text, index: 0, logprobs: null, finish_reason: finish }],
    });
    const call = completion({ stream: true });
    expect(bodyOf(call)).toMatchObject({ stream: true, stream_options: { include_usage: true } });
    const events = readStream(call, GPT, sse(chunk('Yo'), chunk(' ho'), chunk('', 'stop'), '[DONE]'));
    const texts = events.flatMap((event) => (event.kind === 'chunk' ? [JSON.parse(event.text)] : []));
    expect(texts).toEqual(
      [chunk('Yo'), chunk(' ho'), chunk('', 'stop')].map((each) => ({
        ...each,
        id: 'cmpl-1',
        created: 1_700_000_000,
        model: 'asked',
      })),
    );
    expect(events.at(-1)).toEqual({ kind: 'end' });
    expect(readStream(call, GPT, sse(chunk('Yo'))).at(-1)).toMatchObject({ failure: { kind: 'stream_broken' } });
  });

  it('are one user message where there is only chat, if that can say it', () => {
    const request = anthropicAdapter.request(completion({ max_tokens: 5 }), CLAUDE);
    expect(JSON.parse(request.body)).toMatchObject({ messages: [{ role: 'user', content: [{ text: 'Hi' }] }] });
    expect(anthropicAdapter.unsupported(completion({ echo: false, best_of: 1 }), CLAUDE)).toEqual([]);
    expect(anthropicAdapter.unsupported(completion({ prompt: ['a', 'b'], suffix: 'x' }), CLAUDE)).toEqual([
      'prompt',
      'suffix',
    ]);
  });
});
