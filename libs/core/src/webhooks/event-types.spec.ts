import { describe, expect, it } from '@jest/globals';
import { isEventPattern, matchesEvents, WEBHOOK_EVENT_TYPES } from './event-types.js';

describe('matchesEvents', () => {
  it.each([
    ['*', 'job.completed', true],
    ['job.*', 'job.expired', true],
    ['job.failed', 'job.failed', true],
    ['job.failed', 'job.completed', false],
    ['batch.*', 'job.completed', false],
    ['webhook_endpoint.*', 'webhook_endpoint.disabled', true],
    ['job', 'job.completed', false],
    ['jo*', 'job.completed', false],
  ])('%s and %s: %s', (pattern, type, expected) => {
    expect(matchesEvents([pattern], type)).toBe(expected);
  });

  it('matches when any does, and nothing when there are none', () => {
    expect(matchesEvents(['batch.*', 'job.completed'], 'job.completed')).toBe(true);
    expect(matchesEvents([], 'job.completed')).toBe(false);
  });
});

describe('isEventPattern', () => {
  it('takes every type, every family and *', () => {
    for (const type of WEBHOOK_EVENT_TYPES) {
      expect(isEventPattern(type)).toBe(true);
      expect(isEventPattern(`${type.split('.')[0]!}.*`)).toBe(true);
    }
    expect(isEventPattern('*')).toBe(true);
  });

  it.each(['job.started', 'jobs.*', '', '**', 'ping', 7, null])('refuses %j', (pattern) => {
    expect(isEventPattern(pattern)).toBe(false);
  });
});
