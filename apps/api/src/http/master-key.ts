import { timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { apiError } from './api-error.js';
import { sendError, unknownRoute } from './error.filter.js';
import { isFromThisMachine, isManagementRoute, isOpenRoute } from './open-route.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** The caller sent the master key; false also where nobody needs one. */
    hasMasterKey: boolean;
  }
}

/** Longer than keys are, so that the time tells nothing of its length. A digest of each would take ten times as long. */
const COMPARED_BYTES = 512;

/** The key that may do everything. */
export class MasterKey {
  private expected: Buffer | undefined;
  /** What was sent last, in as many bytes as what is expected: the comparison takes equal time for every key. */
  private presented = Buffer.alloc(0);

  constructor(masterKey: string | undefined) {
    this.replace(masterKey);
  }

  /** From the next request on. */
  replace(masterKey: string | undefined): void {
    if (masterKey === undefined) {
      this.expected = undefined;
      return;
    }
    // At least one 0 stands at the end, which no header can hold: a longer key that begins alike is another.
    this.expected = Buffer.alloc(Math.max(COMPARED_BYTES, Buffer.byteLength(masterKey) + 1));
    this.expected.write(masterKey);
    this.presented = Buffer.alloc(this.expected.length);
  }

  /** `unneeded`: no master key is set, so nobody needs one. */
  check(headers: IncomingHttpHeaders): 'right' | 'wrong' | 'missing' | 'unneeded' {
    if (this.expected === undefined) return 'unneeded';
    const key = presentedKey(headers);
    if (key === undefined) return 'missing';
    this.presented.fill(0, this.presented.write(key));
    return timingSafeEqual(this.presented, this.expected) ? 'right' : 'wrong';
  }
}

/**
 * Who is calling: deny by default, whatever is not marked `@Open()`. A hook and not a guard, since guards come after the
 * body has been read: 32 MiB from anybody. Unknown routes are told first, with or without a key and whatever their body.
 */
export function checkKeys(fastify: FastifyInstance, masterKey: MasterKey): void {
  fastify.decorateRequest('hasMasterKey', false);
  fastify.addHook('onRequest', (request, reply, next) => {
    if (request.is404) return sendError(reply, unknownRoute(request));
    const verdict = masterKey.check(request.headers);
    if (verdict === 'unneeded' && isManagementRoute(request) && !isFromThisMachine(request))
      return sendError(reply, NOT_ALLOWED);
    request.hasMasterKey = verdict === 'right';
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
