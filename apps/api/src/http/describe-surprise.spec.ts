import { describe, expect, it } from '@jest/globals';
import { describeSurprise } from './describe-surprise.js';

function thrownBy(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}

describe('a surprise in the log', () => {
  it('says what it was and where, without a stack or a path of the machine', () => {
    const text = describeSurprise(thrownBy(() => (undefined as unknown as { a: number }).a));
    expect(text).toMatch(
      /^TypeError: Cannot read properties of undefined \(reading 'a'\) \(at .*describe-surprise\.spec\.ts:\d+:\d+\)/,
    );
    expect(text).not.toContain('\n');
    expect(text).not.toContain(process.cwd());
  });

  it('does not repeat what JSON.parse read', () => {
    const text = describeSurprise(thrownBy(() => JSON.parse('my secret plan')));
    expect(text).toMatch(/^SyntaxError \(at /);
    expect(text).not.toContain('secret');
  });

  it('holds no key, and of what is no error only its kind', () => {
    expect(describeSurprise(new Error('refused sk-abc_DEF-123456 for you'))).toMatch(/^Error: refused [*]{3} for you/);
    expect(describeSurprise({ prompt: 'secret' })).toBe('thrown: object');
    expect(describeSurprise('secret')).toBe('thrown: string');
  });
});
