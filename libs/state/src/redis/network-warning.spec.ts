import { describe, expect, it } from '@jest/globals';
import { networkWarning } from './network-warning.js';

describe('networkWarning', () => {
  it.each([
    '/run/sluice/redis.sock',
    './redis.sock',
    'redis://localhost:6379',
    'redis://127.0.0.1',
    'redis://[::1]:6379/3',
    'rediss://user:secret@cache.internal:6380',
    'rediss-cluster://user:secret@one:7000,two:7000',
    'redis-cluster://127.0.0.1:7000,localhost:7001',
  ])('has nothing to say of %s', (url) => expect(networkWarning(url)).toBeUndefined());

  it.each([
    ['redis://cache:6379', /^Redis at cache is used without a password and TLS: .* read and change every call/],
    ['redis://:secret@10.0.0.7', /^Redis at 10\.0\.0\.7 is used without TLS: .* can read every call/],
    ['rediss://cache', /without a password: .* read and change/],
    ['redis-cluster://127.0.0.1:7000,two:7000', /^Redis at two is used without a password and TLS: .*rediss-cluster:/],
    ['redis://localhost.evil.example', /localhost\.evil\.example/],
  ])('warns of %s, and says no password', (url, sentence) => {
    expect(networkWarning(url)).toMatch(sentence);
    expect(networkWarning(url)).not.toContain('secret');
  });
});
