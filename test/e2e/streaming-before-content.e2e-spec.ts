import { describe, expect, it } from '@jest/globals';
import { readSse } from '../support/read-sse.js';
import type { PlayedDeployment } from '../support/sluice.js';
import { withSluice } from '../support/with-sluice.js';

const PAIR: PlayedDeployment[] = [
  { profile: 'first', params: 'order: 1' },
  { profile: 'second', params: 'order: 2' },
];
const always = (deed: Record<string, unknown>) => ({ rules: [{ do: deed }] });
const ANSWER = 'The quick brown fox jumps over the lazy dog.';
const YAML = 'router_settings: {stream_timeout: 0.4}';

describe('a stream whose first deployment fails before the first content', () => {
  it.each<[string, Record<string, unknown>]>([
    ['500', { kind: 'server' }],
    ['429', { kind: 'rate_limit', retryAfterMs: 60_000 }],
    ['401', { kind: 'auth' }],
    ['a reset before the head', { resetBeforeHeaders: true }],
    ['a reset after the head', { resetAfterHeaders: true }],
    ['no head within stream_timeout', { hang: true }],
    ['a stall after the head', { stallAfter: 0 }],
    ['a cut after the role', { cutAfter: 0 }],
    ['a reset after the role', { cutAfter: 0, cutHow: 'rst' }],
    ['a first chunk that is no JSON', { malformedAfter: 0 }],
    ['an error event first', { errorAfter: 0 }],
    ['a rate limit as the first event', { errorAfter: 0, kind: 'rate_limit' }],
    ['HTML with status 200', { body: '<html>Busy</html>', contentType: 'text/html' }],
    ['an error as JSON with status 200', { body: { error: { message: 'Busy', type: 'server_error' } } }],
    ['nothing at all', { status: 200, body: '' }],
  ])('%s: the caller sees the second one’s answer and nothing else', async (_name, deed) => {
    const scripts = { first: always(deed), second: { answer: { text: ANSWER } } };
    await withSluice(PAIR, { yaml: YAML, scripts }, async ({ call, callsTo, group }) => {
      const seen = await readSse(await call({ stream: true, stream_options: { include_usage: true } })); // W8, W9, L46
      expect(seen).toMatchObject({ status: 200, text: ANSWER, roles: 1, finishes: ['stop'], isDone: true });
      expect(seen.error).toBeUndefined();
      expect(new Set(seen.chunks.map((c) => `${c.id} ${c.model}`)).size).toBe(1);
      expect(seen.chunks[0]!.model).toBe(group);
      expect(seen.chunks.filter((c) => c.usage).length).toBe(1);
      expect(seen.headers.get('x-litellm-model-id')).toBe(`${group}-second`);
      expect(seen.headers.get('x-litellm-attempted-retries')).toBe('1');
      expect([callsTo('first').length, callsTo('second').length]).toEqual([1, 1]);
    });
  });

  it.each(['azure/gpt-4o', 'anthropic/claude-sonnet-4-5'])('of %s: the same', async (model) => {
    const pair = [{ ...PAIR[0]!, model }, PAIR[1]!];
    for (const deed of [{ cutAfter: 0 }, { malformedAfter: 0 }, { errorAfter: 0, kind: 'overloaded' }]) {
      const scripts = { first: always(deed), second: { answer: { text: ANSWER } } };
      await withSluice(pair, { yaml: YAML, scripts }, async ({ call, group }) => {
        const seen = await readSse(await call({ stream: true }));
        expect(seen).toMatchObject({ text: ANSWER, roles: 1, finishes: ['stop'], isDone: true });
        expect(seen.headers.get('x-litellm-model-id')).toBe(`${group}-second`);
      });
    }
  });

  it('fails as plain HTTP when nobody is left', async () => {
    const scripts = { first: always({ malformedAfter: 0 }), second: always({ cutAfter: 0 }) };
    await withSluice(PAIR, { scripts }, async ({ call, group }) => {
      const seen = await readSse(await call({ stream: true, num_retries: 1 }));
      expect(seen.status).toBe(502);
      expect(seen.error).toMatchObject({ code: 'upstream_interrupted' });
      expect(seen.error!['message']).toContain(`${group}-first malformed; ${group}-second stream_broken`);
    });
  });

  it('a lone one is asked again after a backoff', async () => {
    const scripts = { first: { rules: [{ times: 1, do: { cutAfter: 0 } }], answer: { text: ANSWER } } };
    await withSluice([PAIR[0]!], { scripts }, async ({ call, callsTo }) => {
      expect(await readSse(await call({ stream: true }))).toMatchObject({ text: ANSWER, roles: 1, isDone: true });
      expect(callsTo('first')).toHaveLength(2);
    });
  });
});

describe('a stream that is odd but complete', () => {
  it.each<[string, Record<string, unknown>]>([
    ['without [DONE]', { noDone: true }], // W6
    ['without usage', { noUsage: true }],
    ['with CRLF, comments and unknown events', { crlf: true, comments: true, unknownEvents: true }], // W12
    ['byte by byte', { splitBytes: 1 }],
    ['gzipped', { gzip: true }],
    ['as application/json', { contentType: 'application/json' }],
    ['in odd pieces', { fuzz: true }],
  ])('%s: succeeds at the first attempt', async (_name, deed) => {
    const text = 'Zwölf Boxkämpfer jagen Viktor 🥊 quer über den Sylter Deich.';
    for (const model of ['openai/gpt-4o', 'azure/gpt-4o', 'anthropic/claude-sonnet-4-5']) {
      const scripts = { first: { ...always(deed), answer: { text } } };
      await withSluice([{ profile: 'first', model }], { scripts }, async ({ call, callsTo }) => {
        const seen = await readSse(await call({ stream: true, stream_options: { include_usage: true } }));
        expect(seen).toMatchObject({ status: 200, text, roles: 1, finishes: ['stop'], isDone: true, error: undefined });
        expect(seen.chunks.at(-1)!.usage!.total_tokens).toBeGreaterThan(0);
        expect(callsTo('first')).toHaveLength(1);
      });
    }
  });

  it('n = 2: one role and one finish each, whoever is first', async () => {
    await withSluice([PAIR[0]!], {}, async ({ call }) => {
      const seen = await readSse(await call({ stream: true, n: 2 })); // W3
      expect(seen.roles).toBe(2);
      expect(seen.finishes).toEqual(['stop', 'stop']);
      const text = (choice: number): string =>
        seen.chunks
          .flatMap((c) => c.choices.filter((x) => x.index === choice).map((x) => x.delta.content ?? ''))
          .join('');
      expect(text(0)).toBeTruthy();
      expect(text(1)).toBeTruthy();
      const first = new Map<number, number>();
      for (const [at, chunk] of seen.chunks.entries())
        for (const { index, delta } of chunk.choices) if (!first.has(index)) first.set(index, delta.role ? at : -1);
      expect([...first.values()].every((at) => at >= 0)).toBe(true); // a role opens each
    });
  });

  it.each(['openai/gpt-4o', 'azure/gpt-4o', 'anthropic/claude-sonnet-4-5'])(
    'tool calls of %s in pieces',
    async (model) => {
      const tools = ['weather', 'time'].map((name) => ({
        type: 'function',
        function: { name, parameters: { type: 'object', properties: { place: { type: 'string' } } } },
      }));
      const answer = {
        toolCalls: [
          { name: 'weather', arguments: { place: 'Kyiv' } },
          { name: 'time', arguments: { place: 'Łódź' } },
        ],
      };
      await withSluice([{ profile: 'first', model }], { scripts: { first: { answer } } }, async ({ call }) => {
        const seen = await readSse(await call({ stream: true, tools })); // W4, W23
        expect(seen).toMatchObject({ roles: 1, finishes: ['tool_calls'], isDone: true });
        const calls: { id: string; name: string; args: string }[] = [];
        for (const { choices } of seen.chunks) {
          for (const piece of choices[0]?.delta.tool_calls ?? []) {
            const one = (calls[piece.index] ??= { id: '', name: '', args: '' });
            one.id ||= piece.id ?? '';
            one.name ||= piece.function?.name ?? '';
            one.args += piece.function?.arguments ?? '';
          }
        }
        expect(calls.map((c) => [c.name, JSON.parse(c.args)])).toEqual([
          ['weather', { place: 'Kyiv' }],
          ['time', { place: 'Łódź' }],
        ]);
        expect(new Set(calls.map((c) => c.id)).size).toBe(2);
      });
    },
  );

  it('an answer without a word has its role and its finish', async () => {
    const scripts = { first: { answer: { text: '' } } };
    await withSluice([PAIR[0]!], { scripts }, async ({ call }) => {
      const seen = await readSse(await call({ stream: true }));
      expect(seen).toMatchObject({ status: 200, text: '', roles: 1, finishes: ['stop'], isDone: true });
    });
  });
});
