import { describe, expect, it } from '@jest/globals';
import { readSse, type SeenStream } from '../support/read-sse.js';
import { startSluice } from '../support/sluice.js';

const WORDS = (
  'ant bee cat dog eel fox gnu hen ibis jay kid lox mew nit owl pig quo ram sow tit urn vet wax yak zoo arm bow cup den ' +
  'elf fig gap hat ice jam key lap mug nut oak pan qua rug sky tub use van web yam zip art bag can dim ear fan gum hop rib jot'
)
  .split(' ')
  .map((word) => word.slice(0, 3));
/** 60 chunks of four characters; no word comes twice. */
const WHOLE = `${WORDS.join(' ')}.`;
const CHUNKS = 60;
const OTHERWISE = `${WORDS.slice(0, 5).join(' ')} but then something else altogether.`;

interface NextOne {
  model: string;
  info?: string;
  answer: Record<string, unknown>;
  /** It says something else. */
  isOther?: boolean;
  calls?: number;
}

const CLAUDE = 'anthropic/claude-sonnet-4-5';
const GPT = 'openai/gpt-4o';
const NEXT_ONES: [string, NextOne][] = [
  ['takes a prefill', { model: CLAUDE, answer: {} }],
  ["takes a prefill, in OpenAI's dialect", { model: GPT, info: 'supports_assistant_prefill: true', answer: {} }],
  ['rejects a prefill', { model: CLAUDE, answer: { prefill: 'reject' }, calls: 2 }],
  ['takes none, and is asked in a turn', { model: GPT, answer: {} }],
  ['starts over with the same text', { model: GPT, answer: { goesOn: 'again' } }],
  ['starts over with the same text, from a prefill', { model: CLAUDE, answer: { goesOn: 'again' } }],
  ['starts over differently', { model: GPT, answer: { goesOn: 'otherwise' }, isOther: true }],
  ['starts over differently, from a prefill', { model: CLAUDE, answer: { goesOn: 'otherwise' }, isOther: true }],
  ['repeats a few words', { model: GPT, answer: { goesOn: 'overlapping' } }],
  ['repeats a few words, from a prefill', { model: CLAUDE, answer: { goesOn: 'overlapping' } }],
];

describe('a stream cut after each chunk of sixty', () => {
  it.each(NEXT_ONES)('the next deployment %s', async (_name, { model, info = '', answer, isOther = false, calls }) => {
    const sluice = await startSluice(
      [
        { profile: 'first', params: 'order: 1' },
        { profile: 'second', model, params: 'order: 2', info },
      ],
      { yaml: 'router_settings: {disable_cooldowns: true}\nsluice: {retry_budget: 1}' },
    );
    const { simulator, call } = sluice;
    try {
      simulator.setProfile('second', { answer: { ...answer, text: WHOLE } });
      const ends: string[] = [];
      for (let position = 1; position <= CHUNKS; position++) {
        simulator.setProfile('first', { answer: { text: WHOLE }, rules: [{ do: { cutAfter: position } }] });
        const seen = await readSse(await call({ stream: true, stream_options: { include_usage: true } }));
        expect(seen).toMatchObject({ status: 200, roles: 1 });
        ends.push(endOf(seen));
      }
      // Up to its fifth word the other answer holds all that was delivered; behind it no answer is made of two.
      const others = Array.from({ length: CHUNKS }, (_, i) => (i < 5 ? 'the other answer' : 'refused'));
      expect(ends).toEqual(isOther ? others : Array(CHUNKS).fill('whole'));
      const asked = simulator.requests({ profile: 'second' }).length;
      expect(asked).toBe(CHUNKS + (calls === 2 ? 1 : 0)); // a refused prefill is remembered
    } finally {
      await sluice.stop();
    }
  });
});

function endOf({ text, isDone, finishes, error }: SeenStream): string {
  if (isDone && error === undefined && finishes.join() === 'stop') {
    return text === WHOLE ? 'whole' : text === OTHERWISE ? 'the other answer' : text;
  }
  return error?.['code'] === 'upstream_interrupted' && WHOLE.startsWith(text)
    ? 'refused'
    : `${text} | ${JSON.stringify(error)}`;
}
