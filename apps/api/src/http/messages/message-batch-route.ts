import type { FastifyInstance } from 'fastify';
import type { UploadRoute } from '../files/upload-route.js';

/** `POST /v1/messages/batches`, in a scope of its own: its body of up to 256 MB is not parsed, but read as it comes. */
export function openMessageBatches(fastify: FastifyInstance, route: UploadRoute): void {
  void fastify.register(async (scope) => {
    await Promise.resolve();
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, body, done) => done(null, body));
    for (const url of ['/v1/messages/batches', '/messages/batches'])
      scope.post(url, (request, reply) => route.serveMessageBatch!(request, reply));
  });
}
