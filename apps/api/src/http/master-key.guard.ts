import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { apiError } from './api-error.js';

/** Who is calling: the master key, by any of its headers. Without a master key nobody needs one. */
export class MasterKeyGuard implements CanActivate {
  private readonly expected: Buffer | undefined;

  constructor(masterKey: string | undefined) {
    this.expected = masterKey === undefined ? undefined : digest(masterKey);
  }

  canActivate(context: ExecutionContext): boolean {
    if (this.expected === undefined) return true;
    const key = presentedKey(context.switchToHttp().getRequest<FastifyRequest>().headers);
    if (key === undefined) {
      throw apiError('missing_api_key', 'No key was sent. Send it as "Authorization: Bearer KEY".');
    }
    if (!timingSafeEqual(digest(key), this.expected)) throw apiError('invalid_api_key', 'The key is not known.');
    return true;
  }
}

/** Equal length for every key, so that the comparison takes equal time. */
const digest = (key: string): Buffer => createHash('sha256').update(key).digest();

/** The first header that is there counts. */
export function presentedKey(headers: IncomingHttpHeaders): string | undefined {
  const litellm = headers['x-litellm-api-key'];
  if (typeof litellm === 'string' && litellm !== '') return withoutScheme(litellm);
  const { authorization } = headers;
  if (authorization !== undefined && authorization !== '') return withoutScheme(authorization);
  for (const name of ['api-key', 'x-api-key']) {
    const key = headers[name];
    if (typeof key === 'string' && key !== '') return key;
  }
  return undefined;
}

const withoutScheme = (value: string): string => value.replace(/^bearer\s+/i, '').trim();
