import { describe, expect, it } from '@jest/globals';
import { stickToOf, type AffinityPolicy, type AffinityTraits } from './affinity.js';

const all: AffinityPolicy = { kinds: ['session', 'prompt', 'caller'], byGroup: new Map([['free', []]]) };
const long = 'rules '.repeat(1_000);
const asking = (question: string, ...more: unknown[]): AffinityTraits => {
  const body = { messages: [{ role: 'system', content: long }, { role: 'user', content: question }, ...more] };
  return { session: undefined, caller: undefined, bodyBytes: JSON.stringify(body).length, body };
};

describe('what a call sticks to (L58)', () => {
  it('is its session, before its prompt, before who asks', () => {
    const of = (own: Partial<AffinityTraits>) => stickToOf(all, 'g', { ...asking('a'), ...own });
    const short = { body: { messages: [] }, bodyBytes: 20 };
    expect(of({ session: 's', caller: 'c' })).toBe(of({ session: 's' }));
    expect(of({ caller: 'c' })).toBe(of({}));
    expect(of({ ...short, caller: 'c' })).toMatch(/^[0-9a-f]{16}$/);
    expect(of(short)).toBeUndefined();
    expect(of({ session: 's' })).not.toBe(of({ session: 't' }));
    expect(of({ session: 'x' })).not.toBe(of({ ...short, caller: 'x' }));
  });

  it('is the same for a conversation that grows, and another for another conversation', () => {
    const first = stickToOf(all, 'g', asking('a'));
    const later = asking('a', { role: 'assistant', content: 'x' }, { role: 'user', content: 'b' });
    expect(stickToOf(all, 'g', later)).toBe(first);
    expect(stickToOf(all, 'g', asking('b'))).not.toBe(first);
  });

  it('is nothing for a prompt that nobody caches', () => {
    const short = { messages: [{ role: 'user', content: 'hello' }], user: long };
    expect(stickToOf(all, 'g', { ...asking(''), body: short, bodyBytes: 9_000 })).toBeUndefined();
  });

  it('is nothing where nobody asks for it, also in one group', () => {
    const session = { ...asking('a'), session: 's' };
    expect(stickToOf(all, 'free', session)).toBeUndefined();
    expect(stickToOf({ kinds: [], byGroup: new Map() }, 'g', session)).toBeUndefined();
  });

  it.each([null, 3, {}, [null], ['x'], [{ role: 'user' }]])('does not mind messages that are %j', (messages) => {
    expect(stickToOf(all, 'g', { ...asking('a'), body: { messages } })).toBeUndefined();
  });
});
