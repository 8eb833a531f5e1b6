import { isUtf8 } from 'node:buffer';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { apiError } from './api-error.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** The JSON body as it came, for what travels on untouched. */
    source?: Buffer;
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
        done(null, parse(body));
      } catch (error) {
        done(error as Error);
      }
    },
  );
}

function parse(body: Buffer): unknown {
  if (body.length === 0) throw apiError('invalid_request', 'The body is empty; it must be a JSON object.');
  if (!isUtf8(body)) throw apiError('invalid_request', 'The body is not valid UTF-8.');
  try {
    return JSON.parse(body.toString());
  } catch {
    // The parser's message quotes the body, which may hold a prompt.
    throw apiError('invalid_request', 'The body is not valid JSON.');
  }
}
