import { isUtf8 } from 'node:buffer';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { apiError } from './api-error.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** The JSON body as it came, for what travels on untouched. */
    source?: Buffer | undefined;
  }
}

/** Parses JSON once and keeps the bytes: they go to the job record as they are. */
export function readBodies(fastify: FastifyInstance, maxBodyBytes: number): void {
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser(
    ['application/json', 'text/plain', 'application/x-www-form-urlencoded'], // curl -d without a header says the last
    { parseAs: 'buffer', bodyLimit: maxBodyBytes },
    (request: FastifyRequest, body: Buffer, done) => {
      try {
        request.source = body;
        // Python's clients say JSON where they send nothing: to cancel takes no body. Who needs one misses it.
        done(null, body.length === 0 ? undefined : parse(body));
      } catch (error) {
        done(error as Error);
      }
    },
  );
}

/** Providers give up on deeper ones, and so do recursive readers on the way. */
const MOST_LEVELS = 200;

function parse(body: Buffer): unknown {
  if (!isUtf8(body)) throw apiError('invalid_request', 'The body is not valid UTF-8.');
  let value: unknown;
  try {
    value = JSON.parse(body.toString());
  } catch (error) {
    // The parser's message quotes the body, which may hold a prompt: only the position is taken from it.
    const [, at] = /at (position \d+)/.exec((error as Error).message) ?? [];
    throw apiError('invalid_request', `The body is not valid JSON${at === undefined ? '' : ` (at ${at})`}.`);
  }
  if (isDeeperThan(value, MOST_LEVELS)) {
    throw apiError('invalid_request', `The body is nested too deeply: at most ${MOST_LEVELS} levels.`);
  }
  return value;
}

/** Over the values and not the bytes: long texts, which are most of a body, cost nothing. */
function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (levels === 0) return true;
  if (Array.isArray(value)) {
    for (const element of value) if (typeof element === 'object' && isDeeperThan(element, levels - 1)) return true;
    return false;
  }
  for (const name in value) {
    const member = (value as Record<string, unknown>)[name];
    if (typeof member === 'object' && isDeeperThan(member, levels - 1)) return true;
  }
  return false;
}
