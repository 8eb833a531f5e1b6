import { describe, expect, it } from '@jest/globals';
import { anthropicAdapter } from './anthropic-adapter.js';
import { openaiAdapter } from '../openai/openai-adapter.js';
import { continueCall } from '../continue-call.js';
import { deploymentOf, ownCallOf, readStream, replyOf, sse } from '../test-calls.js';

const ASKED = { max_tokens: 9, messages: [{ role: 'user', content: 'Hi' }] };
const messages = (members: Record<string, unknown> = {}, beta?: string) =>
  ownCallOf('/v1/messages', { ...ASKED, ...members }, beta);
const CLAUDE = deploymentOf({}, { provider: 'anthropic', model: 'claude-x' });
const GPT = deploymentOf({}, { model: 'gpt-4o' });
const bodyFor = (members: Record<string, unknown>, deployment = CLAUDE): Record<string, unknown> =>
  JSON.parse(anthropicAdapter.request(messages(members), deployment).body) as Record<string, unknown>;

describe('W52: a Messages call to an Anthropic deployment', () => {
  it('goes on byte by byte, with the model that is asked', () => {
    const source =
      '{"model":"asked","max_tokens":9, "tools":[{"type":"web_search_20250305","name":"web_search"}],\n"messages":[{"role":"user","content":[{"type":"new_kind","n":1.0,"big":12345678901234567890}]}]}';
    const { body, headers } = anthropicAdapter.request(ownCallOf('/v1/messages', {}, 'a-2026, b', source), CLAUDE);
    expect(body).toBe(source.replace('"asked"', '"claude-x"'));
    expect(headers).toMatchObject({ 'anthropic-beta': 'a-2026, b', 'anthropic-version': '2023-06-01' });
    expect(anthropicAdapter.unsupported(messages({ tools: [{ type: 'x_1' }] }), CLAUDE)).toEqual([]);
  });

  it('keeps what is for Sluice or LiteLLM to itself', () => {
    const body = bodyFor({ fallbacks: ['x'], num_retries: 1, metadata: { user_id: 'u', tags: ['t'] } });
    expect(body).toEqual({ ...ASKED, model: 'claude-x', metadata: { user_id: 'u' } });
    expect(bodyFor({ metadata: { tags: ['t'] } })).not.toHaveProperty('metadata');
  });

  it('has the deployment’s defaults and additions', () => {
    const target = { defaults: { temperature: 0.5, max_tokens: 5, reasoning_effort: 'low' }, extraBody: { extra: 1 } };
    const deployment = deploymentOf(
      { ...target, additionalDropParams: ['top_k'] },
      { provider: 'anthropic', model: 'c' },
    );
    expect(bodyFor({ top_k: 3 }, deployment)).toEqual({ ...ASKED, model: 'c', temperature: 0.5, extra: 1 });
  });

  it('leaves out thoughts that nobody signed: another vendor’s', () => {
    const said = (...content: unknown[]) => ({ role: 'assistant', content });
    const text = { type: 'text', text: 'So' };
    const signed = { type: 'thinking', thinking: 'a', signature: 'S' };
    const unsigned = { type: 'thinking', thinking: 'b', signature: '' };
    const { messages: sent } = bodyFor({ messages: [said(signed, unsigned, text), said(text), said(unsigned)] });
    expect(sent).toEqual([said(signed, text), said(text), said(unsigned)]);
  });

  it('is answered byte by byte', () => {
    const source =
      '{"id":"msg_1","type":"message","role":"assistant","model":"claude-x-1","content":[{"type":"new_kind","n":1.0}],"stop_reason":"pause_turn","stop_sequence":null,"usage":{"input_tokens":3,"cache_read_input_tokens":2,"output_tokens":1,"service_tier":"standard"}}';
    expect(anthropicAdapter.answer(replyOf(source), messages(), CLAUDE, 0)).toMatchObject({
      kind: 'answer',
      text: source.replace('"claude-x-1"', '"asked"'),
      usage: { prompt: 5, completion: 1, cached: 2 },
      finishes: [{ reason: 'stop', native: 'pause_turn' }],
    });
  });

  it.each([
    ['an error', { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }, 'overloaded'],
    ['no reason to stop', { content: [], stop_reason: null }, 'malformed'],
    ['no content', { stop_reason: 'end_turn' }, 'malformed'],
    ['nothing but a refusal', { content: [], stop_reason: 'refusal' }, 'content_filter'],
    ['no JSON', 'oops', 'malformed'],
  ])('has failed with %s', (_what, body, kind) => {
    expect(anthropicAdapter.answer(replyOf(body), messages(), CLAUDE, 0)).toMatchObject({ failure: { kind } });
  });
});

describe('W52: the stream of a Messages call to an Anthropic deployment', () => {
  const START = {
    type: 'message_start',
    message: { id: 'm', model: 'c', usage: { input_tokens: 3, output_tokens: 1 } },
  };
  const unknown = { type: 'content_block_start', index: 0, content_block: { type: 'new_kind', n: 1 } };
  const stop = { type: 'content_block_stop', index: 0 };
  const delta = { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 7 } };
  const events = (...given: unknown[]) => readStream(messages({ stream: true }), CLAUDE, sse(...given), 7);
  const textsOf = (read: ReturnType<typeof events>) =>
    read.flatMap((event) => (event.kind === 'chunk' ? [JSON.parse(event.text) as unknown] : []));

  it('passes its events, unknown ones too, with id and model ours', () => {
    const read = events(START, { type: 'ping' }, unknown, stop, delta, { type: 'message_stop' });
    const message = { ...START.message, id: 'msg_1', model: 'asked' };
    expect(textsOf(read)).toEqual([{ ...START, message }, unknown, stop, delta]);
    expect(read.slice(-2)).toEqual([
      { kind: 'usage', usage: expect.objectContaining({ prompt: 3, completion: 7 }) },
      { kind: 'end' },
    ]);
  });

  it('holds back what is no content until some comes', () => {
    const text = { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } };
    expect(events(START, text, { type: 'error', error: { type: 'overloaded_error', message: 'o' } })).toMatchObject([
      { kind: 'usage' },
      { kind: 'failure', failure: { kind: 'overloaded' } },
    ]);
  });

  it.each([
    ['the end of the bytes', []],
    ['an error in band', [{ type: 'error', error: { type: 'api_error', message: 'x' } }]],
  ])('is broken by %s after content', (_what, rest) => {
    const last = events(START, unknown, ...rest).at(-1);
    expect(last).toMatchObject({ kind: 'failure', failure: { afterTokens: 1 } });
  });

  it('is complete once the reason is known, whatever comes then', () => {
    expect(events(START, unknown, stop, delta).at(-1)).toEqual({ kind: 'end' });
  });

  it('may be one whole answer after all', () => {
    const body = {
      id: 'm',
      content: [{ type: 'text', text: 'Hi' }],
      stop_reason: 'end_turn',
      usage: { input_tokens: 1 },
    };
    const read = readStream(messages({ stream: true }), CLAUDE, JSON.stringify(body));
    expect(textsOf(read)).toMatchObject([{ choices: [{ delta: { content: 'Hi' } }] }, { choices: [{ delta: {} }] }]);
  });
});

describe('a Messages call to another vendor', () => {
  it('is a chat, without an effort for models that do not think', () => {
    const call = messages({ system: 'Be brief.', output_config: { effort: 'high' } });
    const bodyOf = (deployment = GPT) => JSON.parse(openaiAdapter.request(call, deployment).body) as unknown;
    const chat = {
      model: 'gpt-4o',
      max_tokens: 9,
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Hi' },
      ],
    };
    expect(bodyOf()).toEqual(chat);
    expect(bodyOf(deploymentOf({}, { model: 'gpt-4o', supports: { reasoning: true } }))).toEqual({
      ...chat,
      reasoning_effort: 'high',
    });
    expect(openaiAdapter.request(call, GPT).url).toMatch(/\/chat\/completions$/);
  });

  it('is not supported with what chat has no words for, unless it may be dropped', () => {
    const call = messages({ tools: [{ type: 'web_search_20250305', name: 'web_search' }] });
    expect(openaiAdapter.unsupported(call, GPT)).toEqual(['tools[0].type']);
    expect(openaiAdapter.unsupported(call, deploymentOf({ dropParams: true }))).toEqual([]);
  });
});

it('a Messages call that goes on with an answer is a chat for everybody', () => {
  const call = continueCall(messages(), { text: 'Hel', prefill: 'plain', tokens: 1 });
  const body = JSON.parse(anthropicAdapter.request(call, CLAUDE).body) as { messages: unknown[] };
  expect(body.messages.at(-1)).toEqual({ role: 'assistant', content: [{ type: 'text', text: 'Hel' }] });
});
