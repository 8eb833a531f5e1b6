import { describe, expect, it } from '@jest/globals';
import { azureAdapter } from '../azure/azure-adapter.js';
import { callOf, deploymentOf } from '../test-calls.js';
import { openaiAdapter } from './openai-adapter.js';

const bodyOf = (...args: Parameters<typeof openaiAdapter.request>) =>
  JSON.parse(openaiAdapter.request(...args).body) as Record<string, unknown>;

describe('a request to an OpenAI-like target', () => {
  it('W1 goes on byte for byte, with the model replaced', () => {
    const source =
      '{ "model":"asked", "messages":[{"role":"user","content":"a \\u00e9 \\"b\\""}],  "seed":12345678901234567890, "temperature":1.0 }';
    const request = openaiAdapter.request(callOf({}, source), deploymentOf({ organization: 'org' }));
    expect(request).toMatchObject({
      method: 'POST',
      url: 'http://127.0.0.1:1/v1/chat/completions',
      headers: {
        authorization: 'Bearer sk-secret-key-1234',
        'openai-organization': 'org',
        'content-type': 'application/json',
        'accept-encoding': 'identity',
      },
      body: source.replace('"asked"', '"gpt-x"'),
    });
  });

  it('leaves out what is for Sluice, and sends what is for OpenAI', () => {
    const body = bodyOf(
      callOf({
        fallbacks: ['b'],
        disable_fallbacks: true,
        num_retries: 2,
        timeout: 3,
        priority: 'high',
        tags: ['t'],
        mock_response: 'm',
        cache: { ttl: 1 },
        guardrails: [],
        metadata: { a: '1' },
        user: 'u',
        store: true,
      }),
      deploymentOf({}),
    );
    expect(Object.keys(body)).toEqual(['model', 'messages', 'metadata', 'user', 'store']);
  });

  it('W2 asks for usage in streams, whatever the client said', () => {
    const target = deploymentOf({});
    expect(bodyOf(callOf({ stream: true }), target)['stream_options']).toEqual({ include_usage: true });
    const own = { include_usage: false, include_obfuscation: false };
    expect(bodyOf(callOf({ stream: true, stream_options: own }), target)['stream_options']).toEqual({
      ...own,
      include_usage: true,
    });
    expect(bodyOf(callOf({}), target)).not.toHaveProperty('stream_options');
  });

  it.each([
    ['o3-mini', undefined, 'max_completion_tokens'],
    ['gpt-5.2', undefined, 'max_completion_tokens'],
    ['gpt-4o', undefined, 'max_tokens'],
    ['my-deployment', 'gpt-5', 'max_completion_tokens'],
    ['ollama-x', undefined, 'max_tokens'],
  ])('W17 %s (base %s) takes %s', (model, baseModel, name) => {
    const target = deploymentOf({ defaults: { max_tokens: 9 } }, { model, baseModel });
    expect(bodyOf(callOf({ max_tokens: 5 }), target)[name]).toBe(5);
    expect(bodyOf(callOf({}), target)[name]).toBe(9);
    const both = bodyOf(callOf({ max_tokens: 5, max_completion_tokens: 6 }), target);
    expect(both['max_completion_tokens']).toBe(6);
    expect(bodyOf(callOf({ max_completion_tokens: 6 }), target)).not.toHaveProperty('max_tokens');
  });

  it('W50 applies defaults, dropped paths, extra body and headers, in this order', () => {
    const target = deploymentOf({
      defaults: { temperature: 0.5, top_p: 0.1 },
      additionalDropParams: ['tools[*].function.strict', 'top_p'],
      extraBody: { top_k: 3, temperature: 0.9 },
      extraHeaders: { 'X-Team': 'a', Authorization: 'Other' },
    });
    const call = callOf({ temperature: 0.2, tools: [{ type: 'function', function: { name: 'f', strict: true } }] });
    const request = openaiAdapter.request(call, target);
    expect(JSON.parse(request.body)).toMatchObject({
      temperature: 0.9,
      top_k: 3,
      tools: [{ type: 'function', function: { name: 'f' } }],
    });
    expect(request.body).not.toMatch(/strict|top_p/);
    expect(request.headers).toMatchObject({ 'x-team': 'a', authorization: 'Other' });
  });

  it("takes out what only Anthropic's own clients write", () => {
    const mark = { type: 'ephemeral' };
    const messages = [
      { role: 'system', content: [{ type: 'text', text: 'a', cache_control: mark }] },
      { role: 'assistant', content: 'b', thinking_blocks: [{ type: 'thinking' }], cache_control: mark },
    ];
    expect(openaiAdapter.request(callOf({ messages }), deploymentOf({})).body).not.toMatch(
      /cache_control|thinking_blocks/,
    );
  });

  it('takes a base that ends in the route as it is', () => {
    const target = deploymentOf({ baseUrl: 'http://127.0.0.1:1/x/chat/completions', apiKey: undefined });
    const { url, headers } = openaiAdapter.request(callOf({}), target);
    expect(url).toBe('http://127.0.0.1:1/x/chat/completions');
    expect(headers).not.toHaveProperty('authorization');
  });
});

describe('a request to Azure', () => {
  const azure = (target: Parameters<typeof deploymentOf>[0]) =>
    azureAdapter.request(
      callOf({}),
      deploymentOf({ baseUrl: 'https://r.openai.azure.com', ...target }, { provider: 'azure', model: 'my gpt' }),
    );

  it.each([
    ['W17 classic', {}, '/openai/deployments/my%20gpt/chat/completions?api-version=2025-02-01-preview'],
    [
      'W17 classic, its version',
      { apiVersion: '2024-08-01-preview' },
      '/openai/deployments/my%20gpt/chat/completions?api-version=2024-08-01-preview',
    ],
    ['W17 v1 by version', { apiVersion: 'v1' }, '/openai/v1/chat/completions'],
    ['W17 v1 by version', { apiVersion: 'preview' }, '/openai/v1/chat/completions'],
    ['W17 v1 by base', { baseUrl: 'https://r.openai.azure.com/openai/v1' }, '/openai/v1/chat/completions'],
    [
      'a base with the deployment',
      { baseUrl: 'https://r.openai.azure.com/openai/deployments/d' },
      '/openai/deployments/d/chat/completions?api-version=2025-02-01-preview',
    ],
    [
      'a whole address',
      { baseUrl: 'https://r.openai.azure.com/openai/deployments/d/chat/completions?api-version=1' },
      '/openai/deployments/d/chat/completions?api-version=1',
    ],
  ])('%s', (_name, target, path) => {
    expect(azure(target).url).toBe(`https://r.openai.azure.com${path}`);
  });

  it('W17 carries the key, or an Entra token', () => {
    expect(azure({ apiKey: 'k' }).headers).toMatchObject({ 'api-key': 'k' });
    const { headers } = azure({ apiKey: 'k', azureAdToken: 't' });
    expect(headers).toMatchObject({ authorization: 'Bearer t' });
    expect(headers).not.toHaveProperty('api-key');
  });
});
