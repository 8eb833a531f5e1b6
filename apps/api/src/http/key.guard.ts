import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { apiError } from './api-error.js';
import { OPEN_ROUTE } from './open-route.js';

/** The key that may do everything. */
export class MasterKey {
  private readonly expected: Buffer | undefined;

  constructor(masterKey: string | undefined) {
    this.expected = masterKey === undefined ? undefined : digest(masterKey);
  }

  /** Without a master key nobody needs one. */
  check(headers: IncomingHttpHeaders): 'right' | 'wrong' | 'missing' {
    if (this.expected === undefined) return 'right';
    const key = presentedKey(headers);
    if (key === undefined) return 'missing';
    return timingSafeEqual(digest(key), this.expected) ? 'right' : 'wrong';
  }
}

/** Who is calling: deny by default, whatever is not marked `@Open()`. */
export class KeyGuard implements CanActivate {
  constructor(private readonly masterKey: MasterKey) {}

  canActivate(context: ExecutionContext): boolean {
    if (isOpen(context)) return true;
    switch (this.masterKey.check(context.switchToHttp().getRequest<FastifyRequest>().headers)) {
      case 'right':
        return true;
      case 'missing':
        throw apiError('missing_api_key', 'No key was sent. Send it as "Authorization: Bearer KEY".');
      case 'wrong':
        throw apiError('invalid_api_key', 'The key is not known.');
    }
  }
}

const isOpen = (context: ExecutionContext): boolean =>
  Reflect.getMetadata(OPEN_ROUTE, context.getClass()) === true ||
  Reflect.getMetadata(OPEN_ROUTE, context.getHandler()) === true;

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
