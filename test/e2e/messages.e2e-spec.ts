import { describe, expect, it } from '@jest/globals';
import type { PlayedDeployment } from '../support/sluice.js';
import { MASTER_KEY } from '../support/sluice.js';
import { withSluice, type PlayedSluice } from '../support/with-sluice.js';

const CLAUDE: PlayedDeployment = { profile: 'claude', model: 'anthropic/claude-sonnet-4-5' };
const GPT: PlayedDeployment = { profile: 'gpt' };
const YAML = 'litellm_settings: {num_retries: 1, allowed_fails: 100}';

const poster =
  ({ url, group }: PlayedSluice) =>
  (members: Record<string, unknown> = {}, headers: Record<string, string> = {}, path = '/v1/messages') =>
    fetch(`${url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': MASTER_KEY, ...headers },
      body: JSON.stringify({
        model: group,
        max_tokens: 500,
        messages: [{ role: 'user', content: 'Say hello.' }],
        ...members,
      }),
    });

/** The data of a stream's events, and what the blocks say. */
async function read(answer: Response): Promise<{ events: any[]; texts: string[] }> {
  const events = [...(await answer.text()).matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data!));
  const texts: string[] = [];
  for (const { index, delta } of events) {
    if (index !== undefined && delta !== undefined)
      texts[index] = (texts[index] ?? '') + (delta.text ?? delta.thinking ?? delta.partial_json ?? '');
  }
  return { events, texts };
}

const SENTENCE = Array.from({ length: 40 }, (_, i) => `word${i}`).join(' ');

describe('a Messages stream', () => {
  it.each([
    ['an Anthropic deployment by another vendor’s', { ...CLAUDE, params: 'order: 1' }, { ...GPT, params: 'order: 2' }],
    ['another vendor’s by an Anthropic deployment', { ...GPT, params: 'order: 1' }, { ...CLAUDE, params: 'order: 2' }],
  ])('F16: is gone on with when it breaks off: %s', async (_which, first, second) => {
    const scripts = {
      [first.profile]: { answer: { text: SENTENCE, reasoning: 'Hm.' }, rules: [{ do: { cutAfter: 20 } }] },
      [second.profile]: { answer: { text: SENTENCE } },
    };
    await withSluice([first, second], { yaml: YAML, scripts }, async (sluice) => {
      const answer = await poster(sluice)({ stream: true });
      expect(answer.headers.get('x-litellm-model-id')).toBe(`${sluice.group}-${first.profile}`);
      const { events, texts } = await read(answer);
      expect(texts).toEqual(['Hm.', SENTENCE]);
      expect(events.map(({ type }) => type).filter((type) => type !== 'content_block_delta')).toEqual([
        'message_start',
        'ping',
        'content_block_start',
        'content_block_stop',
        'content_block_start',
        'content_block_stop',
        'message_delta',
        'message_stop',
      ]);
      expect(events.at(-2)).toMatchObject({ delta: { stop_reason: 'end_turn' } });
      expect(sluice.callsTo(second.profile)).toHaveLength(1);
    });
  });

  it('whose tool breaks off ends in an error: half its input is worth nothing', async () => {
    const calls = [{ name: 'f', arguments: JSON.stringify({ text: SENTENCE }) }];
    const scripts = { claude: { answer: { toolCalls: calls }, rules: [{ do: { cutAfter: 8 } }] } };
    await withSluice([CLAUDE, GPT], { yaml: `${YAML}\nrouter_settings: {}`, scripts }, async (sluice) => {
      sluice.play({ gpt: { rules: [{ do: { kind: 'server' } }] } });
      const tools = [{ name: 'f', input_schema: { type: 'object' } }];
      const { events } = await read(await poster(sluice)({ stream: true, tools }));
      expect(events.at(-1)).toMatchObject({ type: 'error', error: { type: 'api_error' } });
      expect(events.map(({ type }) => type)).not.toContain('message_stop');
    });
  });

  it('beats while it is slow, and begins with a ping', async () => {
    const scripts = { claude: { answer: { text: SENTENCE }, latency: { p50: 400, p95: 400, p99: 400 } } };
    const times = { earlyHeadMs: 50, heartbeatMs: 50 };
    await withSluice([CLAUDE], { yaml: YAML, scripts, times }, async (sluice) => {
      const text = await (await poster(sluice)({ stream: true })).text();
      expect(text.slice(0, text.indexOf('event:')).split('\n').slice(0, 2)).toEqual([':hb', ':hb']);
      expect([...text.matchAll(/^event: (.*)$/gm)].slice(0, 2).map(([, type]) => type)).toEqual([
        'message_start',
        'ping',
      ]);
      expect(text).not.toContain('[DONE]');
    });
  });

  it('F30: is the same for a second call with its Idempotency-Key', async () => {
    const scripts = { claude: { answer: { text: SENTENCE, reasoning: 'Hm.' } } };
    await withSluice([CLAUDE], { yaml: YAML, scripts }, async (sluice) => {
      const ask = () => poster(sluice)({ stream: true }, { 'idempotency-key': `k-${sluice.group}` });
      const [first, second] = [await ask(), await ask()];
      expect(second.headers.get('idempotent-replayed')).toBe('true');
      expect(await second.text()).toBe(await first.text());
      expect(sluice.callsTo('claude')).toHaveLength(1);
    });
  });
});

describe('a Messages call', () => {
  it('falls back to another group, whose name it then says, with a body of its own', async () => {
    const other: PlayedDeployment = { ...GPT, group: 'other' };
    const scripts = { claude: { rules: [{ do: { kind: 'server' } }] }, gpt: { answer: { text: 'Hello.' } } };
    await withSluice([CLAUDE, other], { yaml: YAML, scripts }, async (sluice) => {
      const name = `${sluice.group}-other`;
      const fallbacks = [{ model: name, system: 'Be brief.' }];
      const answer = await poster(sluice)({ fallbacks }, {}, '/messages');
      expect(await answer.json()).toMatchObject({ type: 'message', model: name, content: [{ text: 'Hello.' }] });
      expect(sluice.callsTo('gpt')[0]?.body).toMatchObject({
        messages: [{ role: 'system', content: 'Be brief.' }, { role: 'user' }],
      });
      expect(sluice.callsTo('claude')[0]?.body).not.toHaveProperty('fallbacks');
    });
  });

  it('with tools of Anthropic’s own goes to those who have them', async () => {
    await withSluice([GPT, CLAUDE], { yaml: YAML }, async (sluice) => {
      const tools = [{ type: 'web_search_20250305', name: 'web_search' }];
      for (let i = 0; i < 4; i++) expect((await poster(sluice)({ tools })).status).toBe(200);
      expect(sluice.callsTo('claude')).toHaveLength(4);
    });
  });

  it('is mocked where a test asks for it', async () => {
    await withSluice([CLAUDE], { yaml: YAML }, async (sluice) => {
      const answer = await poster(sluice)({ mock_response: 'Hello, mock.' });
      expect(await answer.json()).toMatchObject({ type: 'message', content: [{ type: 'text', text: 'Hello, mock.' }] });
      const { texts } = await read(await poster(sluice)({ mock_response: 'Hello, mock.', stream: true }));
      expect(texts).toEqual(['Hello, mock.']);
      expect(sluice.callsTo('claude')).toHaveLength(0);
    });
  });

  it('may not say where it goes', async () => {
    await withSluice([CLAUDE], { yaml: YAML }, async (sluice) => {
      const answer = await poster(sluice)({ api_base: 'http://127.0.0.1:1' });
      expect(answer.status).toBe(400);
      expect(await answer.json()).toMatchObject({ error: { message: 'api_base may not be set by a caller.' } });
      expect(answer.headers.get('request-id')).toBe(answer.headers.get('x-request-id'));
    });
  });
});
