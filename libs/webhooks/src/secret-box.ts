import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';

const SEALED = 'aes1:';
const IV_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Secrets as they are kept in Redis and in the store: AES-256-GCM where there is a key (SLUICE_BODY_KEY), else as they are.
 * What was kept before there was a key can still be read.
 */
export class SecretBox {
  private readonly key: Buffer | undefined;

  /** @param key any text; its digest is the key */
  constructor(key: string | undefined) {
    this.key = key === undefined ? undefined : createHash('sha256').update(key).digest();
  }

  /** Safe to repeat: what is sealed stays as it is, since no secret begins as it does. */
  seal(secret: string): string {
    if (this.key === undefined || secret.startsWith(SEALED)) return secret;
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.key, iv);
    const text = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()]);
    return SEALED + Buffer.concat([iv, cipher.getAuthTag(), text]).toString('base64');
  }

  /** @throws when it was sealed with another key, or there is none */
  open(sealed: string): string {
    if (!sealed.startsWith(SEALED)) return sealed;
    if (this.key === undefined) throw new Error('A webhook secret is sealed, and SLUICE_BODY_KEY is not set.');
    const bytes = Buffer.from(sealed.slice(SEALED.length), 'base64');
    const decipher = createDecipheriv('aes-256-gcm', this.key, bytes.subarray(0, IV_BYTES));
    decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
    const text = [decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)), decipher.final()];
    return Buffer.concat(text).toString('utf8');
  }
}
