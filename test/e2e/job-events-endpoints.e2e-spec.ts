import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventsOf, seqsOf, typesOf, type SeenEvent } from '../support/job-events.js';
import { nativeJobs } from '../support/native-jobs.js';
import { startSluice, type SluiceUnderTest } from '../support/sluice.js';

const TEXT = 'One two three four five six.';
let sluice: SluiceUnderTest;
let jobs: ReturnType<typeof nativeJobs>;

beforeAll(async () => {
  sluice = await startSluice([{ profile: 'gpt' }, { profile: 'claude', model: 'anthropic/claude-sonnet-4-5', group: 'claude' }]); // prettier-ignore
  jobs = nativeJobs(sluice);
  for (const name of ['gpt', 'claude']) sluice.simulator.setProfile(name, { answer: { text: TEXT } });
});
afterAll(() => sluice?.stop());

const ASKED: Record<string, Record<string, unknown>> = {
  '/v1/responses': { input: 'Say hello.' },
  '/v1/messages': { max_tokens: 99, messages: [{ role: 'user', content: 'Say hello.' }] },
  '/v1/completions': { prompt: 'Say hello.' },
};
const chunksOf = (events: readonly SeenEvent[]): any[] => events.flatMap(({ chunk }) => (chunk === undefined ? [] : [chunk])); // prettier-ignore

/** Text of what an endpoint's events, or its whole answer, say. */
const SAID: Record<string, { inEvents: (chunks: any[]) => string; inResult: (body: any) => string; last: unknown }> = {
  '/v1/responses': {
    inEvents: (chunks) =>
      chunks.map(({ type, delta }) => (type === 'response.output_text.delta' ? delta : '')).join(''),
    inResult: (body) => body.output[0].content[0].text,
    last: { type: 'response.completed' },
  },
  '/v1/messages': {
    inEvents: (chunks) => chunks.map(({ delta }) => delta?.text ?? '').join(''),
    inResult: (body) => body.content[0].text,
    last: { type: 'message_stop' },
  },
  '/v1/completions': {
    inEvents: (chunks) => chunks.map(({ choices }) => choices[0]?.text ?? '').join(''),
    inResult: (body) => body.choices[0].text,
    last: { object: 'text_completion' },
  },
};

describe.each(['', '-claude'])('a streamed job of another endpoint, served by the group GROUP%s', (suffix) => {
  it.each(Object.keys(ASKED))(
    "tells the endpoint's own events, to every reader the same, and keeps the whole: %s",
    async (endpoint) => {
      const { inEvents, inResult, last } = SAID[endpoint]!;
      const asked = { model: sluice.group + suffix, stream: true, ...ASKED[endpoint] };
      const submitted = await jobs.send('POST', '/v1/jobs', { endpoint, body: asked });
      expect(submitted.status).toBe(202);
      const id = submitted.body['id'] as string;
      const events = await eventsOf(sluice.url, id);
      expect(typesOf(events)).toEqual(['queued', 'attempt_started', 'output', 'completed']);
      expect(seqsOf(events)).toEqual(events.map((_, i) => i + 1));
      const chunks = chunksOf(events);
      expect(inEvents(chunks)).toBe(TEXT);
      expect(chunks.at(-1)).toMatchObject(last as object);
      for (const after of [1, 4, 9, events.length - 1]) {
        expect(await eventsOf(sluice.url, id, after)).toEqual(events.slice(after));
      }
      const result = await jobs.result(id);
      expect([result.status, inResult(result.body)]).toEqual([200, TEXT]);
      const { output_tokens: out, completion_tokens: completion } = result.body['usage'];
      expect(out ?? completion).toBeGreaterThan(0);
    },
  );
});
