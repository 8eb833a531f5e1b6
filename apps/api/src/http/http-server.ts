import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { apiError } from './api-error.js';
import { clientErrorAnswerer } from './client-error.js';
import { sendError } from './error.filter.js';
import type { HttpTimes } from './http-times.js';
import { checkKeys, type MasterKey } from './master-key.js';
import { closeConnections } from './close-connections.js';
import { openMessageBatches } from './messages/message-batch-route.js';
import { openUploads, type UploadRoute } from './files/upload-route.js';
import { readBodies } from './read-body.js';

export const HEADER_BYTES = 16 * 1024;
/** A model's name may be so long in a path; longer than any that could be configured. */
const MAX_PARAM_LENGTH = 1_024;

/** Fastify as the api runs it: what is done with every request before a controller sees it, and with what is no request. */
export function openHttp(
  maxBodyBytes: number,
  masterKey: MasterKey,
  times: HttpTimes,
  uploads: UploadRoute,
): FastifyAdapter {
  const adapter = new FastifyAdapter({
    bodyLimit: maxBodyBytes,
    http: {
      maxHeaderSize: HEADER_BYTES,
      headersTimeout: times.headersMs,
      requestTimeout: times.requestMs,
      connectionsCheckingInterval: Math.min(times.headersMs, 10_000),
      requireHostHeader: false, // Node would answer with a page of its own
    },
    requestTimeout: times.requestMs, // for the request to arrive; the answer may take as long as its job
    requestIdHeader: false,
    genReqId: ({ headers }: IncomingMessage) => requestId(headers),
    keepAliveTimeout: 75_000, // longer than the proxies in front of it keep theirs
    forceCloseConnections: 'idle',
    skipMiddie: true, // no Express middleware here: a hook less per request
    return503OnClosing: false, // the controllers say `shutting_down` in our own words
    routerOptions: { ignoreTrailingSlash: true, ignoreDuplicateSlashes: true, maxParamLength: MAX_PARAM_LENGTH },
    frameworkErrors: (_error: Error, request: FastifyRequest, reply: FastifyReply) => {
      reply.header('x-request-id', request.id);
      sendError(reply, apiError('invalid_request', 'The path is not valid: check its percent-encoding.').error);
    },
    clientErrorHandler: clientErrorAnswerer(times, HEADER_BYTES),
  });
  const fastify = adapter.getInstance();
  fastify.addHook('onRequest', (request, reply, next) => {
    reply.header('x-request-id', request.id);
    next();
  });
  closeConnections(fastify as never);
  checkKeys(fastify as never, masterKey);
  readBodies(fastify as never, maxBodyBytes);
  openUploads(fastify as never, uploads);
  openMessageBatches(fastify as never, uploads);
  return adapter;
}

/** The caller's own where it is harmless in headers and logs; else `req_` and a UUIDv7. */
function requestId(headers: IncomingHttpHeaders): string {
  const given = headers['x-request-id'];
  if (typeof given === 'string' && /^[\w.-]{1,128}$/.test(given)) return given;
  const random = randomUUID(); // version 4: its last 19 digits stay, the time goes before them
  const time = Date.now().toString(16).padStart(12, '0');
  return `req_${time}7${random.slice(15, 18)}${random.slice(19, 23)}${random.slice(24)}`;
}
