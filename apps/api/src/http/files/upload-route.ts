import multipart from '@fastify/multipart';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

type Serve = (request: FastifyRequest, reply: FastifyReply) => Promise<void>;

/** Bodies that are read as they come. Not served until the module that can is up. */
export class UploadRoute {
  serve: Serve | undefined;
  serveMessageBatch: Serve | undefined;
}

/**
 * `POST /v1/files`, in a scope of Fastify's own and not in a Nest controller: the plugin that reads forms hangs hooks on
 * every request of its scope, which calls need not pay for.
 */
export function openUploads(fastify: FastifyInstance, route: UploadRoute): void {
  void fastify.register(async (scope) => {
    await scope.register(multipart, {
      throwFileSizeLimit: false, // the size is looked at where the bytes are written
      limits: { fileSize: Infinity, files: 2, fields: 20, parts: 22, fieldSize: 64 * 1024, headerPairs: 100 },
    });
    for (const url of ['/v1/files', '/files']) scope.post(url, (request, reply) => route.serve!(request, reply));
  });
}
