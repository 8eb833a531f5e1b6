import { describe, expect, it } from '@jest/globals';
import { judgeRedis } from './check-redis.js';

describe('judgeRedis', () => {
  it.each([
    ['redis_version:7.0.15\r\nmaxmemory_policy:noeviction', 'Redis 7.0.15'],
    ['# Server\r\nredis_version:8.2.1\r\nmaxmemory_policy:noeviction\r\n', 'Redis 8.2.1'],
    ['redis_version:7.2.4\nserver_name:valkey\nmaxmemory_policy:noeviction', 'Valkey 7.2.4'],
    ['redis_version:7.2.4\nserver_name:valkey\nvalkey_version:8.1.0', 'Valkey 8.1.0'],
  ])('accepts %j', (info, version) => {
    expect(judgeRedis(info)).toEqual({ version });
  });

  it.each([
    ['redis_version:6.2.14\nmaxmemory_policy:noeviction', /needs Redis 7\.0 .* is Redis 6\.2\.14/],
    ['redis_version:7.2.4\nserver_name:valkey\nvalkey_version:7.1.0', /needs .* Valkey 7\.2 .* is Valkey 7\.1\.0/],
    ['redis_version:7.4.0\nmaxmemory_policy:allkeys-lru', /"allkeys-lru".*maxmemory-policy noeviction/],
    ['', /does not tell its version/],
  ])('refuses %j with a sentence', (info, sentence) => {
    expect(judgeRedis(info).objection).toMatch(sentence);
  });

  it('warns of a server that would lose what waits in it', () => {
    expect(judgeRedis('redis_version:7.0.15\naof_enabled:0').warning).toMatch(
      /Redis 7\.0\.15 keeps no append-only file/,
    );
    expect(judgeRedis('redis_version:7.0.15\naof_enabled:1').warning).toBeUndefined();
  });
});
