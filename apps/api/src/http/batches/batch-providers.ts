import type { IncomingMessage } from 'node:http';
import type { Provider } from '@nestjs/common';
import { openFileStorage, type S3Place } from '@sluice/files';
import { BatchQueue, Uploads } from '@sluice/queue';
import { Connections, RedisClock } from '@sluice/state';
import { BatchCatalog, BatchResults, FileCatalog, LazyDatabase } from '@sluice/store';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ErrorFilter } from '../error.filter.js';
import { FilesController } from '../files/files.controller.js';
import { fileView } from '../files/file-view.js';
import { KeptFiles } from '../files/kept-files.js';
import { receiveUpload } from '../files/receive-upload.js';
import type { UploadRoute } from '../files/upload-route.js';
import { Once } from '../idempotency/once.js';
import { OpenCalls } from '../open-calls.js';
import { ApiException } from '../api-error.js';
import { SHUTTING_DOWN } from '../reply-deps.js';
import { MessageBatchesController } from '../messages/message-batches.controller.js';
import { messageBatchView } from '../messages/message-batch-view.js';
import { receiveMessageBatch } from '../messages/receive-message-batch.js';
import { BatchesController } from './batches.controller.js';
import { BegunBatches } from './begun-batches.js';

export const BATCH_CONTROLLERS = [FilesController, BatchesController, MessageBatchesController];

export interface BatchWiring {
  /** Where files are when they are not in S3. */
  folder: string;
  s3: S3Place | undefined;
  uploads: UploadRoute;
  errors: ErrorFilter;
}

/** What files and batches are made of in the api. */
export const batchProviders = ({ folder, s3, uploads, errors }: BatchWiring): Provider[] => [
  {
    provide: BatchQueue,
    inject: [Connections],
    useFactory: ({ commands }: Connections) => new BatchQueue(commands),
  },
  ...[FileCatalog, BatchCatalog, BatchResults].map((Repository) => ({
    provide: Repository,
    inject: [LazyDatabase],
    useFactory: (database: LazyDatabase) => new Repository(database),
  })),
  {
    provide: BegunBatches,
    inject: [BatchCatalog, BatchQueue, RedisClock],
    useFactory: (catalog: BatchCatalog, queue: BatchQueue, { nowMs }: RedisClock) =>
      new BegunBatches(catalog, queue, nowMs),
  },
  {
    provide: KeptFiles,
    inject: [FileCatalog, Connections, RedisClock, OpenCalls, BegunBatches, Once],
    useFactory: (
      catalog: FileCatalog,
      { commands }: Connections,
      { nowMs }: RedisClock,
      openCalls: OpenCalls,
      begun: BegunBatches,
      once: Once,
    ) => {
      const files = new KeptFiles(openFileStorage(folder, s3), catalog, new Uploads(commands), nowMs);
      const serving =
        (receive: (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>): UploadRoute['serve'] =>
        async (request, reply) => {
          try {
            if (openCalls.isDraining) throw new ApiException(SHUTTING_DOWN);
            await reply.send(await receive(request, reply));
          } catch (error) {
            readToItsEnd(request.raw);
            errors.answer(error, request, reply);
          }
        };
      uploads.serve = serving(async (request, reply) => fileView(await receiveUpload(request, reply, files, once)));
      uploads.serveMessageBatch = serving(async (request, reply) =>
        messageBatchView(await receiveMessageBatch(request, reply, { files, begun, once }), nowMs()),
      );
      return files;
    },
  },
];

/** A body that was refused in its middle: Node drops only what nobody began to read, and the next call on the connection would wait behind the rest. */
function readToItsEnd(body: IncomingMessage): void {
  body.unpipe();
  body.resume();
}
