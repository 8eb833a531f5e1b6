import { Readable } from 'node:stream';
import { Body, Controller, Get, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import { isBatchOver } from '@sluice/core';
import { resultPages } from '@sluice/pipeline';
import { BatchCatalog, BatchResults, type BatchRow } from '@sluice/store';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { RedisClock } from '@sluice/state';
import { apiError } from '../api-error.js';
import { Once } from '../idempotency/once.js';
import { KeptFiles, MOST_BYTES } from '../files/kept-files.js';
import { listPage, readPage, type QueryParams } from '../list-page.js';
import { tenantOf } from '../request-options.js';
import { readBatchRequest } from './batch-request.js';
import { batchView } from './batch-view.js';
import { BegunBatches } from './begun-batches.js';
import { failedLines } from './retry-lines.js';

/** OpenAI's batches, and two routes of ours: the output while it comes, and a new batch of what failed. */
@Controller(['v1/batches', 'batches'])
export class BatchesController {
  constructor(
    private readonly catalog: BatchCatalog,
    private readonly results: BatchResults,
    private readonly begun: BegunBatches,
    private readonly files: KeptFiles,
    private readonly clock: RedisClock,
    private readonly once: Once,
  ) {}

  @Post()
  @HttpCode(200)
  async create(@Body() body: unknown, @Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply) {
    const tenant = tenantOf(request.headers);
    const asked = readBatchRequest(body);
    return this.makeOnce(request, reply, tenant, async (id) => {
      const file = await this.files.find(tenant, asked.inputFileId);
      if (file.purpose !== 'batch') {
        throw apiError('invalid_request', 'The file was not uploaded with the purpose batch.', 'input_file_id');
      }
      return this.begun.begin(id, { ...asked, tenant, dialect: 'openai', retriedFrom: null });
    });
  }

  private async makeOnce(
    request: FastifyRequest,
    reply: FastifyReply,
    tenant: string,
    make: (id: string) => Promise<BatchRow>,
  ) {
    const newId = (): string => this.begun.newId('batch_');
    const find = (id: string): Promise<BatchRow | undefined> => this.catalog.find(tenant, 'openai', id);
    return batchView(await this.once.make(request, reply, { tenant, newId, make, find }));
  }

  @Get()
  async list(@Query() query: QueryParams, @Req() { headers }: FastifyRequest) {
    const page = readPage(query);
    return listPage(await this.catalog.list(tenantOf(headers), 'openai', page), page.limit, batchView);
  }

  @Get(':id')
  async one(@Param('id') id: string, @Req() request: FastifyRequest) {
    return batchView(await this.find(id, request));
  }

  @Post(':id/cancel')
  @HttpCode(200)
  async cancel(@Param('id') id: string, @Req() { headers }: FastifyRequest) {
    const batch = await this.catalog.cancel(tenantOf(headers), 'openai', id, this.clock.nowMs());
    if (batch === undefined) throw noBatch(id);
    this.begun.tell(id);
    return batchView(batch);
  }

  /** What the output file has, or would have by now. */
  @Get(':id/output')
  async output(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const batch = await this.find(id, request);
    const bytes =
      batch.outputFileId === null
        ? Readable.from(this.linesSoFar(id))
        : await this.files.read({ id: batch.outputFileId });
    await reply.header('content-type', 'application/jsonl; charset=utf-8').send(bytes);
  }

  @Post(':id/retry')
  @HttpCode(200)
  async retry(
    @Param('id') id: string,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const batch = await this.find(id, request);
    if (!isBatchOver(batch.status)) {
      throw apiError('job_not_terminal', 'The batch is not over: it can be retried when it is.', 'id');
    }
    const { errorFileId } = batch;
    if (errorFileId === null) throw apiError('invalid_request', 'No line of this batch failed when it ran.', 'id');
    return this.makeOnce(request, reply, batch.tenant, (newId) => this.beginRetry(newId, { ...batch, errorFileId }));
  }

  /** A batch of what failed in another. */
  private async beginRetry(newId: string, batch: BatchRow & { errorFileId: string }): Promise<BatchRow> {
    const { id, tenant, endpoint, completionWindow, metadata, outputKeptMs } = batch;
    const kept = await this.files.keep(failedLines(batch, this.files), MOST_BYTES.batch);
    const file = { tenant, purpose: 'batch', filename: `${id}_retry.jsonl`, keptMs: outputKeptMs };
    const { id: inputFileId } = await this.files.register(kept, file);
    const windowMs = batch.expiresAtMs - batch.createdAtMs;
    const again = { inputFileId, tenant, endpoint, completionWindow, metadata, outputKeptMs, windowMs };
    return this.begun.begin(newId, { ...again, dialect: 'openai', retriedFrom: id });
  }

  private async find(id: string, { headers }: FastifyRequest): Promise<BatchRow> {
    const batch = await this.catalog.find(tenantOf(headers), 'openai', id);
    if (batch === undefined) throw noBatch(id);
    return batch;
  }

  private async *linesSoFar(id: string): AsyncGenerator<Buffer> {
    for await (const page of resultPages(id, ['succeeded'], this.results))
      yield Buffer.from(page.map(({ content }) => `${content}\n`).join(''));
  }
}

const noBatch = (id: string): Error => apiError('not_found', `There is no batch "${id.slice(0, 100)}".`, 'id');
