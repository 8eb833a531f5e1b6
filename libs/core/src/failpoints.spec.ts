import { describe, expect, it } from '@jest/globals';
import { readFailpoints } from './failpoints.js';

describe('failpoints', () => {
  it('are read with their action', () => {
    const found = readFailpoints('finish.recorded=kill,begin.fenced=throw@3,relay.token=delay:50,attempt.sent=block:7');
    expect([...(found ?? [])]).toEqual([
      ['finish.recorded', { kind: 'kill', at: 1 }],
      ['begin.fenced', { kind: 'throw', at: 3 }],
      ['relay.token', { kind: 'delay', ms: 50 }],
      ['attempt.sent', { kind: 'block', ms: 7 }],
    ]);
  });

  it.each(['', 'nowhere=kill', 'begin.fenced', 'begin.fenced=kill:3', 'begin.fenced=delay', 'begin.fenced=kill,'])(
    '"%s" is none',
    (text) => {
      expect(readFailpoints(text)).toBeUndefined();
    },
  );
});
