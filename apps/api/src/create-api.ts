import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Settings } from '@sluice/config';
import { createLogger, emitTo } from '@sluice/telemetry';
import { ApiModule } from './api.module.js';
import { readBodies } from './http/read-body.js';

const HEADER_BYTES = 16 * 1024;

/** Builds the api, ready to listen. Installs no signal handlers: who starts it decides how it stops. */
export async function createApi(settings: Settings, redisUrl: string): Promise<NestFastifyApplication> {
  const emit = emitTo(createLogger(settings.logLevel));
  const adapter = new FastifyAdapter({
    bodyLimit: settings.maxBodyBytes,
    http: { maxHeaderSize: HEADER_BYTES },
    requestIdHeader: false,
    genReqId: ({ headers }: IncomingMessage) => requestId(headers['x-request-id']),
    requestTimeout: 0, // a stream runs to its job's deadline
    keepAliveTimeout: 75_000, // longer than the proxies in front of it keep theirs
    forceCloseConnections: 'idle',
  });
  const app = await NestFactory.create<NestFastifyApplication>(ApiModule.with(settings, redisUrl, emit), adapter, {
    bodyParser: false,
    logger: ['error', 'warn', 'fatal'],
    abortOnError: false,
  });
  const fastify = adapter.getInstance();
  readBodies(fastify as never, settings.maxBodyBytes);
  fastify.addHook('onRequest', (request, reply, next) => {
    reply.header('x-request-id', request.id);
    next();
  });
  return app;
}

/** The caller's own where it is harmless in headers and logs. */
function requestId(given: string | string[] | undefined): string {
  return typeof given === 'string' && /^[\w.-]{1,128}$/.test(given) ? given : `req_${randomUUID().replaceAll('-', '')}`;
}
