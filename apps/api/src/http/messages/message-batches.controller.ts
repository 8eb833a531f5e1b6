import { Readable } from 'node:stream';
import { Controller, Delete, Get, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import { isBatchOver } from '@sluice/core';
import { RedisClock } from '@sluice/state';
import { BatchCatalog, type BatchRow } from '@sluice/store';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { apiError } from '../api-error.js';
import { BegunBatches } from '../batches/begun-batches.js';
import { KeptFiles } from '../files/kept-files.js';
import { limitOf, textOf, type QueryParams } from '../list-page.js';
import { tenantOf } from '../request-options.js';
import { messageBatchView } from './message-batch-view.js';

/** Anthropic's message batches, but for their creation: message-batch-route.ts. They run as OpenAI's do. */
@Controller(['v1/messages/batches', 'messages/batches'])
export class MessageBatchesController {
  constructor(
    private readonly catalog: BatchCatalog,
    private readonly begun: BegunBatches,
    private readonly files: KeptFiles,
    private readonly clock: RedisClock,
  ) {}

  /** Newest first; the page behind `after_id`, or before `before_id`. */
  @Get()
  async list(@Query() query: QueryParams, @Req() { headers }: FastifyRequest) {
    const [before, after, limit] = [textOf(query, 'before_id'), textOf(query, 'after_id'), limitOf(query)];
    const page = { before, after: before === undefined ? after : undefined, limit, order: 'desc' as const };
    const rows = await this.catalog.list(tenantOf(headers), 'anthropic', page);
    const shown = before === undefined ? rows.slice(0, limit) : rows.slice(-limit); // one too many stands at the far end
    const data = shown.map((row) => messageBatchView(row, this.clock.nowMs()));
    return {
      data,
      has_more: rows.length > limit,
      first_id: data[0]?.id ?? null,
      last_id: data.at(-1)?.id ?? null,
    };
  }

  @Get(':id')
  async one(@Param('id') id: string, @Req() request: FastifyRequest) {
    return messageBatchView(await this.find(id, request), this.clock.nowMs());
  }

  @Get(':id/results')
  async readResults(
    @Param('id') id: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { status, outputFileId } = await this.find(id, request);
    if (!isBatchOver(status)) {
      throw apiError('job_not_terminal', 'The batch has no results yet: its processing_status is not "ended".', 'id');
    }
    const bytes = outputFileId === null ? Readable.from([]) : await this.files.read({ id: outputFileId });
    await reply.header('content-type', 'application/x-jsonl; charset=utf-8').send(bytes);
  }

  @Post(':id/cancel')
  @HttpCode(200)
  async cancel(@Param('id') id: string, @Req() { headers }: FastifyRequest) {
    const batch = await this.catalog.cancel(tenantOf(headers), 'anthropic', id, this.clock.nowMs());
    if (batch === undefined) throw noBatch(id);
    this.begun.tell(id);
    return messageBatchView(batch, this.clock.nowMs());
  }

  @Delete(':id')
  async remove(@Param('id') id: string, @Req() request: FastifyRequest) {
    const batch = await this.find(id, request);
    const { tenant, inputFileId, outputFileId } = batch;
    if (!(await this.catalog.remove(tenant, 'anthropic', id))) {
      throw apiError('job_not_terminal', 'The batch has not ended. Cancel it first, and delete it when it has.', 'id');
    }
    for (const file of [inputFileId, outputFileId]) if (file !== null) await this.files.remove({ id: file });
    return { id, type: 'message_batch_deleted' as const };
  }

  private async find(id: string, { headers }: FastifyRequest): Promise<BatchRow> {
    const batch = await this.catalog.find(tenantOf(headers), 'anthropic', id);
    if (batch === undefined) throw noBatch(id);
    return batch;
  }
}

const noBatch = (id: string): Error => apiError('not_found', `There is no message batch "${id.slice(0, 100)}".`, 'id');
