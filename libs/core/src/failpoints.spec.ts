import { describe, expect, it } from '@jest/globals';
import { readFailpoints } from './failpoints.js';

describe('failpoints', () => {
  it.each([
    ['finish.recorded=kill', 1],
    ['finish.recorded=kill@3', 3],
  ])('%s kills at time %i', (text, at) => {
    expect([...(readFailpoints(text) ?? [])]).toEqual([['finish.recorded', at]]);
  });

  it.each([
    '',
    'nowhere=kill',
    'finish.recorded',
    'finish.recorded=kill:3',
    'finish.recorded=wait',
    'finish.recorded=kill,',
  ])('"%s" is none', (text) => {
    expect(readFailpoints(text)).toBeUndefined();
  });
});
