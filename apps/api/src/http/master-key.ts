import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { apiError } from './api-error.js';
import { sendError, unknownRoute } from './error.filter.js';
import { isFromThisMachine, isManagementRoute, isOpenRoute } from './open-route.js';

/** The key that may do everything. */
export class MasterKey {
  private expected: Buffer | undefined;

  constructor(masterKey: string | undefined) {
    this.replace(masterKey);
  }

  /** From the next request on. */
  replace(masterKey: string | undefined): void {
    this.expected = masterKey === undefined ? undefined : digest(masterKey);
  }

  /** `unneeded`: no master key is set, so nobody needs one. */
  check(headers: IncomingHttpHeaders): 'right' | 'wrong' | 'missing' | 'unneeded' {
    if (this.expected === undefined) return 'unneeded';
    const key = presentedKey(headers);
    if (key === undefined) return 'missing';
    return timingSafeEqual(digest(key), this.expected) ? 'right' : 'wrong';
  }
}

/**
 * Who is calling: deny by default, whatever is not marked `@Open()`. A hook and not a guard, since guards come after the
 * body has been read: 32 MiB from anybody. Unknown routes are told first, with or without a key and whatever their body.
 */
export function checkKeys(fastify: FastifyInstance, masterKey: MasterKey): void {
  fastify.addHook('onRequest', (request, reply, next) => {
    if (request.is404) return sendError(reply, unknownRoute(request));
    const verdict = masterKey.check(request.headers);
    if (verdict === 'unneeded' && isManagementRoute(request) && !isFromThisMachine(request))
      return sendError(reply, NOT_ALLOWED);
    if (verdict === 'right' || verdict === 'unneeded' || isOpenRoute(request)) return next();
    sendError(reply, verdict === 'missing' ? MISSING : WRONG);
  });
}

const MISSING = apiError('missing_api_key', 'No key was sent. Send it as "Authorization: Bearer KEY".').error;
const NOT_ALLOWED = apiError(
  'route_not_allowed',
  'No master key is set, so this route answers calls from its own machine only. Set general_settings.master_key.',
).error;
export const WRONG = apiError('invalid_api_key', 'The key is not known.').error;

/** Equal length for every key, so that the comparison takes equal time. */
const digest = (key: string): Buffer => createHash('sha256').update(key).digest();

/** The first header that is there counts (API.md 1.1). Another scheme than Bearer is not meant for us: a proxy's Basic. */
export function presentedKey(headers: IncomingHttpHeaders): string | undefined {
  const litellm = headers['x-litellm-api-key'];
  if (typeof litellm === 'string' && litellm !== '') return withoutScheme(litellm);
  const { authorization = '' } = headers;
  const bearer = withoutScheme(authorization);
  if (bearer !== '' && !bearer.includes(' ')) return bearer;
  for (const name of ['api-key', 'x-api-key']) {
    const key = headers[name];
    if (typeof key === 'string' && key !== '') return key;
  }
  return undefined;
}

const withoutScheme = (value: string): string => value.replace(/^bearer(?:\s+|$)/i, '').trim();
