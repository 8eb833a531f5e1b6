import { describe, expect, it } from '@jest/globals';
import { chooseGroup, routedCall, type RouterConditions, type RouterGroup } from './choose-group.js';
import { hoursOf, isWithin } from './hours.js';
import { codeLanguagesIn } from './read-question.js';
import { textPattern } from './text-pattern.js';

const NOON = Date.UTC(2026, 10, 21, 12, 0);
const FENCE = '```';
const user = (content: unknown) => ({ messages: [{ role: 'user', content }] });
const image = { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } };

function isRouted(when: RouterConditions, body: Record<string, unknown>, tags: string[] = [], nowMs = NOON): boolean {
  const router: RouterGroup = { name: 'auto', rules: [{ when, use: 'special' }], default: 'usual' };
  const call = routedCall({ ...user('Say hello.'), ...body }, tags, nowMs);
  return chooseGroup(router, call).use === 'special';
}

describe('a router rule (L60)', () => {
  it.each<[string, RouterConditions, Record<string, unknown>, Record<string, unknown>]>([
    ['a long prompt', { inputTokensOver: 100 }, user('word '.repeat(200)), {}],
    [
      'an image',
      { hasImages: true },
      user([{ type: 'text', text: 'Look.' }, image]),
      user([{ type: 'text', text: 'No.' }]),
    ],
    ['no image', { hasImages: false }, {}, user([image])],
    ['tools', { hasTools: true }, { tools: [{ type: 'function', function: { name: 'f' } }] }, { tools: [] }],
    ['JSON', { wantsJson: true }, { response_format: { type: 'json_object' } }, { response_format: { type: 'text' } }],
    ['a schema', { wantsJson: true }, { response_format: { type: 'json_schema' } }, { response_format: null }],
    ['code', { codeLanguage: ['python'] }, user(`Why?\n${FENCE}py\nprint(1)\n${FENCE}`), user(`${FENCE}\nx\n${FENCE}`)],
    ['words', { matches: textPattern('(?i)invoice') }, user('The Invoice is wrong'), user('The bill is wrong')],
    [
      'the last user message only',
      { matches: textPattern('now') },
      user('now'),
      {
        messages: [
          { role: 'user', content: 'now' },
          { role: 'assistant', content: 'now' },
          { role: 'user', content: 'later' },
        ],
      },
    ],
    [
      'two conditions',
      { hasImages: false, matches: textPattern('a') },
      user('a'),
      user([image, { type: 'text', text: 'a' }]),
    ],
    ['no condition', {}, {}, {}],
  ])('by %s', (_name, when, matching, other) => {
    expect(isRouted(when, matching)).toBe(true);
    expect(isRouted(when, other)).toBe(Object.keys(when).length === 0);
  });

  it('by tag', () => {
    expect(isRouted({ tag: ['vip', 'paid'] }, {}, ['paid'])).toBe(true);
    expect(isRouted({ tag: ['vip', 'paid'] }, {}, ['free'])).toBe(false);
  });

  it.each([
    ['08:00-18:00', true],
    ['22:00-06:00', false],
    ['12:00-12:01', true],
    ['11:00-12:00', false],
    ['18:00-13:00', true],
    ['12:30-13:30 Europe/Berlin', true],
    ['00:00-24:00', true],
  ])('by time of day: noon UTC is within %s: %s', (text, expected) => {
    const hours = hoursOf(text)!;
    expect(isWithin(hours, NOON)).toBe(expected);
    expect(isRouted({ hours }, {})).toBe(expected);
  });

  it.each(['8-18', '25:00-26:00', '08:00-08:00', '08:00-18:00 Mars/Base', '08:61-09:00', ''])(
    '%j is no time of day',
    (text) => {
      expect(hoursOf(text)).toBeUndefined();
    },
  );
});

describe('router rules', () => {
  const router: RouterGroup = {
    name: 'auto',
    rules: [
      { when: { tag: ['vip'] }, use: 'first' },
      { when: { hasTools: false }, use: 'second' },
      { when: {}, use: 'third' },
    ],
    default: 'usual',
  };

  it('the first that holds wins, and the ones before it say why not', () => {
    expect(chooseGroup(router, routedCall(user('x'), [], NOON))).toEqual({ use: 'second', rule: 1, failed: ['tag'] });
    expect(chooseGroup(router, routedCall(user('x'), ['vip'], NOON)).use).toBe('first');
  });

  it('none holds: the default', () => {
    const { rules } = router;
    const call = routedCall({ ...user('x'), tools: [{}] }, [], NOON);
    expect(chooseGroup({ ...router, rules: rules.slice(0, 2) }, call)).toEqual({
      use: 'usual',
      rule: undefined,
      failed: ['tag', 'hasTools'],
    });
  });

  it('read no message when no rule asks for one', () => {
    const body = {
      get messages(): never[] {
        throw new Error('was read');
      },
    };
    expect(chooseGroup(router, routedCall(body, ['vip'], NOON)).use).toBe('first');
  });
});

describe('the language of code', () => {
  it.each([
    [`${FENCE}python\nx\n${FENCE}`, ['python']],
    [`${FENCE}TS\nx\n${FENCE}\n~~~ c++\ny\n~~~`, ['typescript', 'cpp']],
    [`text ${FENCE}rust`, []],
    ['no code', []],
  ])('in %j: %j', (text, languages) => {
    expect([...codeLanguagesIn(text)]).toEqual(languages);
  });
});
