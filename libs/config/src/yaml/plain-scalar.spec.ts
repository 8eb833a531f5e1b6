import { describe, expect, it } from '@jest/globals';
import { plainScalarOf } from './plain-scalar.js';

describe('an unquoted scalar, as PyYAML reads it', () => {
  it.each<[string, string | number | boolean | null]>([
    ['yes', true],
    ['On', true],
    ['TRUE', true],
    ['no', false],
    ['off', false],
    ['y', 'y'],
    ['n', 'n'],
    ['~', null],
    ['', null],
    ['null', null],
    ['none', 'none'],
    ['600', 600],
    ['-1', -1],
    ['1_000', 1000],
    ['010', 8],
    ['0o10', '0o10'],
    ['0x1F', 31],
    ['0b101', 5],
    ['1:30', 90],
    ['09', '09'],
    ['0.7', 0.7],
    ['.5', 0.5],
    ['1.', 1],
    ['1.5e+3', 1500],
    ['1e-6', '1e-6'],
    ['1.0e6', '1.0e6'],
    ['-.inf', -Infinity],
    ['.NaN', NaN],
    ['1:30.5', 90.5],
    ['2024-10-21', '2024-10-21'],
    ['2024-08-01-preview', '2024-08-01-preview'],
    ['gpt-4o', 'gpt-4o'],
  ])('%s', (text, value) => {
    expect(plainScalarOf(text)).toBe(value);
  });
});
