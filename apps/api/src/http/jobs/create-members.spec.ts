import { describe, expect, it } from '@jest/globals';
import { ApiException } from '../api-error.js';
import { readCreateMembers } from './create-members.js';

const NOW_MS = 1_800_000_000_000;
const LEAST = { endpoint: '/v1/chat/completions', body: {} };
const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const read = (members: Record<string, unknown>) =>
  readCreateMembers({ ...LEAST, ...members }, (name) => name === 'gpt-4o', NOW_MS);

function problem(members: Record<string, unknown>): { code: string; param?: string; message: string } {
  try {
    read(members);
  } catch (thrown) {
    return (thrown as ApiException).error;
  }
  throw new Error('It was taken.');
}

describe('the body of a submission', () => {
  it('needs no more than endpoint and body', () => {
    expect(read({})).toEqual({
      endpoint: '/v1/chat/completions',
      body: {},
      options: {},
      traits: { metadata: {}, retention: undefined },
    });
  });

  it('says when, how long, how often and for whom', () => {
    const { options, traits } = read({
      priority: 'low',
      queue_ttl: '15m',
      execution_timeout: 30,
      deadline: '2d',
      max_attempts: 4,
      fallbacks: ['gpt-4o'],
      metadata: { a: 'b' },
      midstream: 'restart',
      not_before: NOW_MS / 1_000 + 60,
      webhook: { url: 'https://example.com/hook', secret: SECRET, events: ['job.completed'] },
      retention: { request: '7d', result: 0 },
    });
    expect(options).toEqual({
      tier: 'low',
      queueTtlMs: 900_000,
      timeoutMs: 30_000,
      deadlineMs: 172_800_000,
      maxAttempts: 4,
      fallbacks: ['gpt-4o'],
    });
    expect(traits).toEqual({
      metadata: { a: 'b' },
      midstream: 'restart',
      notBeforeMs: NOW_MS + 60_000,
      webhook: { url: 'https://example.com/hook', secret: SECRET, events: ['job.completed'] },
      retention: { requestMs: 604_800_000, resultMs: 0 },
    });
  });

  it.each([
    [{ fallbacks: 'none' }, { fallbacks: [] }],
    [{ priority: 0 }, { tier: 'high' }],
    [{ priority: 9 }, { tier: 'low' }],
    [{ priority: null, queue_ttl: null }, {}],
  ])('%j is %j', (members, options) => {
    expect(read(members).options).toEqual(options);
  });

  it('takes a time that is past for now, and the id of an endpoint to call back', () => {
    expect(read({ not_before: NOW_MS / 1_000 - 60 }).traits.notBeforeMs).toBeUndefined();
    const endpointId = `we_${'a'.repeat(32)}`;
    expect(read({ webhook_endpoint_id: endpointId }).traits.webhook).toEqual({ endpointId });
  });

  const many = Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`k${i}`, 'v']));
  it.each<[members: Record<string, unknown>, param: string]>([
    [{ endpoint: undefined }, 'endpoint'],
    [{ endpoint: '/v1/images' }, 'endpoint'],
    [{ body: undefined }, 'body'],
    [{ queue_tll: '1h' }, 'queue_tll'],
    [{ priority: 'urgent' }, 'priority'],
    [{ priority: -1 }, 'priority'],
    [{ queue_ttl: 0 }, 'queue_ttl'],
    [{ queue_ttl: 'soon' }, 'queue_ttl'],
    [{ execution_timeout: -1 }, 'execution_timeout'],
    [{ deadline: '25d' }, 'deadline'],
    [{ max_attempts: 0 }, 'max_attempts'],
    [{ max_attempts: 21 }, 'max_attempts'],
    [{ max_attempts: '2' }, 'max_attempts'],
    [{ fallbacks: ['nobody'] }, 'fallbacks'],
    [{ fallbacks: 'gpt-4o' }, 'fallbacks'],
    [{ metadata: [] }, 'metadata'],
    [{ metadata: many }, 'metadata'],
    [{ metadata: { ['k'.repeat(65)]: 'v' } }, 'metadata'],
    [{ metadata: { k: 'v'.repeat(513) } }, 'metadata.k'],
    [{ metadata: { k: 1 } }, 'metadata.k'],
    [{ midstream: 'go' }, 'midstream'],
    [{ not_before: 'tomorrow' }, 'not_before'],
    [{ not_before: NOW_MS }, 'not_before'],
    [{ retention: '1d' }, 'retention'],
    [{ retention: { results: 1 } }, 'retention.results'],
    [{ retention: { result: '31d' } }, 'retention.result'],
    [{ webhook: 'https://example.com' }, 'webhook'],
    [{ webhook: { secret: SECRET } }, 'webhook.url'],
    [{ webhook: { url: 'https://example.com' } }, 'webhook.secret'],
    [{ webhook: { url: 'https://example.com', secret: SECRET, events: [] } }, 'webhook.events'],
    [{ webhook: { url: 'https://example.com', secret: SECRET, headers: {} } }, 'webhook.headers'],
    [{ webhook_endpoint_id: 'mine' }, 'webhook_endpoint_id'],
    [{ webhook_endpoint_id: `we_${'a'.repeat(32)}`, webhook: { url: '', secret: '' } }, 'webhook'],
  ])('%j is refused, and %s is named', (members, param) => {
    const { code, message, ...told } = problem(members);
    expect([code, told.param]).toEqual(['invalid_request', param]);
    expect(message).toMatch(/^[A-Za-z].*[.]$/);
    expect(message).not.toContain('whsec_'.concat('B')); // no secret is repeated
  });
});
