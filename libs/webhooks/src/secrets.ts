import { createHmac, randomBytes } from 'node:crypto';
import type { KeptSecret } from '@sluice/core';

const PREFIX = 'whsec_';
const KEY_BYTES = 32;
/** Standard Webhooks asks for 24 to 64. */
const LEAST_KEY_BYTES = 24;
const MOST_KEY_BYTES = 64;

/** `whsec_` and base64 of 32 random bytes. */
export const newSecret = (): string => PREFIX + randomBytes(KEY_BYTES).toString('base64');

/** A secret of a caller's own: `whsec_` and base64 of 24 to 64 bytes. */
export function isSecret(text: unknown): text is string {
  if (typeof text !== 'string' || !/^whsec_[A-Za-z0-9+/]+={0,2}$/.test(text)) return false;
  const { length } = keyOf(text);
  return length >= LEAST_KEY_BYTES && length <= MOST_KEY_BYTES;
}

const keyOf = (secret: string): Buffer => Buffer.from(secret.slice(PREFIX.length), 'base64');

/** Those that sign: one that was rotated out does, beside its successor, until its end. */
export const liveSecrets = (secrets: readonly KeptSecret[], nowMs: number): KeptSecret[] =>
  secrets.filter(({ untilMs = Infinity }) => untilMs > nowMs);

export interface SignedHeaders {
  'webhook-id': string;
  'webhook-timestamp': string;
  'webhook-signature': string;
}

/**
 * The headers of Standard Webhooks: HMAC-SHA256 of `id.timestamp.body`, one signature for each secret. Receivers refuse
 * timestamps that are off by more than five minutes, so it is that of the try.
 * @param secrets at least one
 * @param nowMs Redis TIME: this machine's clock may be off
 */
export function signedHeaders(id: string, body: string, secrets: readonly string[], nowMs: number): SignedHeaders {
  const timestamp = String(Math.floor(nowMs / 1_000));
  const signatures = secrets.map((secret) => {
    const hmac = createHmac('sha256', keyOf(secret)).update(`${id}.${timestamp}.${body}`);
    return `v1,${hmac.digest('base64')}`;
  });
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures.join(' ') };
}
