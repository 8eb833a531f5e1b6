import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { matchTags } from './match-tags.js';

/** Deployments by their tags, `-` for none; what may serve, by the same names. */
function served(asked: string[], deployments: string, matchesAny = true): string {
  const names = deployments.split(' ');
  const tagSets = names.map((name) => (name === '-' ? [] : name.split('+')));
  const matched = matchTags(asked, tagSets, matchesAny);
  return names.filter((_, i) => matched[i]).join(' ');
}

describe('tags (L55)', () => {
  it.each<[string[], string, string]>([
    [['paid'], 'paid free -', 'paid'],
    [['paid', 'eu'], 'paid eu paid+eu free', 'paid eu paid+eu'],
    [['nobody'], 'paid default+free -', 'default+free'],
    [['nobody'], 'paid free -', ''],
    [[], 'paid default -', 'default -'],
    [[], 'paid free', ''],
    [['!paid'], 'paid free - paid+eu', 'free -'],
    [['!paid', '!free'], 'paid free', ''],
    [['&eu'], 'paid eu paid+eu', 'eu paid+eu'],
    [['&eu', 'paid'], 'paid eu paid+eu default+eu', 'paid+eu'],
    [['&eu', 'nobody'], 'paid eu default+eu default', 'default+eu'],
    [['!eu', 'paid'], 'paid paid+eu', 'paid'],
    [['!'], '! paid', '! paid'], // nobody's name is left out
  ])('%j among %s: %s', (asked, deployments, expected) => {
    expect(served(asked, deployments)).toBe(expected);
  });

  it('must all be there where one in common is not enough', () => {
    expect(served(['paid', 'eu'], 'paid eu paid+eu+x default', false)).toBe('paid+eu+x');
    expect(served(['paid', 'nobody'], 'paid default', false)).toBe('default');
  });

  it('never let one serve that they leave out, or one without a tag that they require', () => {
    const tag = fc.constantFrom<string[]>('a', 'b', 'c', 'default');
    const asked = fc.array(
      fc.tuple(fc.constantFrom('', '!', '&'), tag).map((parts) => parts.join('')),
      { maxLength: 5 },
    );
    fc.assert(
      fc.property(
        asked,
        fc.array(fc.array(tag, { maxLength: 3 }), { maxLength: 5 }),
        fc.boolean(),
        (tags, sets, any) => {
          const matched = matchTags(tags, sets, any);
          for (const set of sets.filter((_, i) => matched[i])) {
            const named = (sign: string): string[] => tags.flatMap((t) => (t.startsWith(sign) ? [t.slice(1)] : []));
            expect(named('!').filter((t) => set.includes(t))).toEqual([]);
            expect(named('&').filter((t) => !set.includes(t))).toEqual([]);
          }
        },
      ),
    );
  });
});
