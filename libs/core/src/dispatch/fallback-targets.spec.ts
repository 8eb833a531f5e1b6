import { describe, expect, it } from '@jest/globals';
import { consequenceOf, type FailureKind } from '../failure.js';
import { fallbackTargets } from './fallback-targets.js';
import { lists, policy } from './test-routing.js';

const configured = policy({
  fallbacks: lists({ 'gpt-4o': ['claude'], 'claude-3': ['haiku'], '*': ['cheap'] }),
  contextWindowFallbacks: lists({ 'gpt-4o': ['long'] }),
  contentPolicyFallbacks: lists({ 'gpt-4o': ['mild'] }),
});

const wantedAfter = (last: FailureKind | undefined) =>
  last === undefined ? 'general' : consequenceOf({ kind: last }).fallback;

describe('fallbackTargets', () => {
  it.each<[string, FailureKind | undefined, readonly string[]]>([
    ['gpt-4o', 'server', ['claude']],
    ['gpt-4o', 'rate_limit', ['claude']],
    ['gpt-4o', 'auth', ['claude']],
    ['gpt-4o', undefined, ['claude']],
    ['gpt-4o', 'context_length', ['long']], // L39
    ['gpt-4o', 'content_filter', ['mild']], // L40
    ['gpt-4o', 'bad_request', []], // L26
    ['gpt-4o', 'cancelled', []],
    ['anthropic/claude-3', 'server', ['haiku']], // without its provider's prefix
    ['gemini', 'server', ['cheap']], // L38
    ['gemini', 'context_length', ['cheap']], // no list of its own kind: the general one
    ['gemini', 'content_filter', []], // never the general one
  ])('of %s after %s: %j', (group, last, expected) => {
    expect(fallbackTargets([group], wantedAfter(last), configured, undefined)).toEqual(expected);
  });

  it('the name that was asked for comes before the group’s, and both before "*"', () => {
    const of = policy({ fallbacks: lists({ 'openai/gpt-4o': ['a'], 'openai/*': ['b'], '*': ['c'] }) });
    expect(fallbackTargets(['openai/gpt-4o', 'openai/*'], 'general', of, undefined)).toEqual(['a']);
    expect(fallbackTargets(['openai/o3', 'openai/*'], 'general', of, undefined)).toEqual(['b']);
    expect(fallbackTargets(['mine', 'mine'], 'general', of, undefined)).toEqual(['c']);
  });

  it('an exact entry beats "*", also when it is empty', () => {
    const none = policy({ fallbacks: lists({ a: [], '*': ['b'] }) });
    expect(fallbackTargets(['a'], 'general', none, undefined)).toEqual([]);
  });

  it.each<[FailureKind, readonly string[]]>([
    ['server', ['mine']],
    ['content_filter', ['mine']],
    ['context_length', ['mine']],
    ['bad_request', []],
  ])('the caller’s own list stands for all of them: %s', (last, expected) => {
    expect(fallbackTargets(['gpt-4o'], wantedAfter(last), configured, ['mine'])).toEqual(expected); // L41
    expect(fallbackTargets(['gpt-4o'], wantedAfter(last), configured, [])).toEqual([]); // L42
  });
});
