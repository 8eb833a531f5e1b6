import { describe, expect, it } from '@jest/globals';
import { judgeSyncing } from './judge-syncing.js';

const on = (redis: string, more: Record<string, string> = {}) => ({ redis_version: redis, aof_enabled: '1', ...more });
const REDIS_70 = on('7.0.15');
const REDIS_72 = on('7.2.9');
const REDIS_74 = on('7.4.2');
const REDIS_8 = on('8.0.2');
const VALKEY_72 = on('7.2.4', { server_name: 'valkey' });
const VALKEY_8 = on('7.2.4', { server_name: 'valkey', valkey_version: '8.0.1' });

const judged = (info: Record<string, string>, config: string) =>
  judgeSyncing(new Map(Object.entries(info)), config === '' ? [] : config.split(' '));

const ALWAYS = 'appendonly yes appendfsync always no-appendfsync-on-rewrite no';
const EVERYSEC = 'appendonly yes appendfsync everysec no-appendfsync-on-rewrite no';
/** Redis does not sync while it rewrites its file. */
const NOT_QUITE_ALWAYS = 'appendonly yes appendfsync always no-appendfsync-on-rewrite yes';
/** A managed server that hides its settings. */
const HIDDEN = '';

describe('what strict durability does on a server (F8)', () => {
  it.each([
    [ALWAYS, REDIS_70, 'always'],
    ['appendfsync always appendonly yes', REDIS_74, 'always'],
    [ALWAYS, VALKEY_8, 'always'],
    [EVERYSEC, REDIS_72, 'waitaof'],
    [EVERYSEC, REDIS_8, 'waitaof'],
    [EVERYSEC, VALKEY_72, 'waitaof'],
    [NOT_QUITE_ALWAYS, REDIS_8, 'waitaof'],
    [HIDDEN, REDIS_8, 'waitaof'],
  ])('%s, %j: %s', (config, info, how) => {
    expect(judged(info, config)).toEqual({ how });
  });

  it.each([
    [EVERYSEC, REDIS_70, /does not say that it syncs each write/],
    [NOT_QUITE_ALWAYS, REDIS_70, /does not say that it syncs each write/],
    [HIDDEN, REDIS_70, /does not say that it syncs each write/],
    [EVERYSEC, REDIS_74, /WAITAOF answers before the sync/],
    [EVERYSEC, VALKEY_8, /WAITAOF answers before the sync/],
    [HIDDEN, VALKEY_8, /WAITAOF answers before the sync/],
    ['appendonly yes appendfsync no', REDIS_8, /never syncs/],
    ['appendonly no appendfsync always', REDIS_8, /keeps no append-only file/],
    [HIDDEN, { redis_version: '8.0.2', aof_enabled: '0' }, /keeps no append-only file/],
    [HIDDEN, {}, /keeps no append-only file/],
  ])('%s, %j: refused with a sentence that says what to change', (config, info, sentence) => {
    const told = judged(info, config);
    expect(told).toEqual({ how: 'refuse', objection: expect.stringMatching(sentence) });
    expect(told).toEqual({ how: 'refuse', objection: expect.stringMatching(/appendfsync always.*or use Redis/) });
  });
});
