import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import OpenAI from 'openai';
import { Webhook } from 'standardwebhooks';
import { isSecret, liveSecrets, newSecret, signedHeaders } from './secrets.js';

const openai = new OpenAI({ apiKey: 'unused' });
const headersOf = (id: string, body: string, secrets: string[]): Record<string, string> => ({
  ...signedHeaders(id, body, secrets, Date.now()),
});

describe('signatures', () => {
  it('are verified by standardwebhooks and by openai, whatever the body', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), async (text) => {
        const secret = newSecret();
        const body = JSON.stringify({ object: 'event', text });
        const headers = headersOf('evt_1', body, [secret]);
        expect(new Webhook(secret).verify(body, headers)).toEqual(JSON.parse(body));
        expect(await openai.webhooks.unwrap(body, headers, secret)).toEqual(JSON.parse(body));
      }),
      { numRuns: 50 },
    );
  });

  it('are verified by holders of the old and of the new secret while both sign', async () => {
    const [old, fresh, other] = [newSecret(), newSecret(), newSecret()];
    const body = '{"object":"event"}';
    const headers = headersOf('evt_1', body, [fresh, old]);
    for (const secret of [old, fresh]) {
      expect(new Webhook(secret).verify(body, headers)).toEqual({ object: 'event' });
      await expect(openai.webhooks.verifySignature(body, headers, secret)).resolves.toBeUndefined();
    }
    expect(() => new Webhook(other).verify(body, headers)).toThrow('No matching signature');
  });

  it('cover id, time and body', () => {
    const secret = newSecret();
    const headers = headersOf('evt_1', '{}', [secret]);
    const verify = (body: string, changed: Record<string, string> = {}) =>
      new Webhook(secret).verify(body, { ...headers, ...changed });
    expect(() => verify('{ }')).toThrow('No matching signature');
    expect(() => verify('{}', { 'webhook-id': 'evt_2' })).toThrow('No matching signature');
    const later = String(Number(headers['webhook-timestamp']) + 1);
    expect(() => verify('{}', { 'webhook-timestamp': later })).toThrow('No matching signature');
  });
});

describe('secrets', () => {
  it('are 32 random bytes, and of callers 24 to 64', () => {
    expect(newSecret()).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(newSecret()).not.toBe(newSecret());
    const of = (bytes: number): string => `whsec_${Buffer.alloc(bytes, 7).toString('base64')}`;
    expect([23, 24, 64, 65].map((bytes) => isSecret(of(bytes)))).toEqual([false, true, true, false]);
    for (const bad of ['', 'whsec_', 'secret', `sk-${'a'.repeat(44)}`, undefined, 7]) expect(isSecret(bad)).toBe(false);
  });

  it('end when their time is over', () => {
    const secrets = [{ sealed: 'new' }, { sealed: 'old', untilMs: 1_000 }];
    expect(liveSecrets(secrets, 999)).toEqual(secrets);
    expect(liveSecrets(secrets, 1_000)).toEqual([{ sealed: 'new' }]);
  });
});
