import { Controller, Delete, Get, Param, Query, Req, Res } from '@nestjs/common';
import { BatchCatalog } from '@sluice/store';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { apiError } from '../api-error.js';
import { listPage, readPage, textOf, type QueryParams } from '../list-page.js';
import { tenantOf } from '../request-options.js';
import { fileView } from './file-view.js';
import { KeptFiles } from './kept-files.js';

/** OpenAI's files, but for the upload: upload-route.ts. */
@Controller(['v1/files', 'files'])
export class FilesController {
  constructor(
    private readonly files: KeptFiles,
    private readonly batches: BatchCatalog,
  ) {}

  @Get()
  async list(@Query() query: QueryParams, @Req() { headers }: FastifyRequest) {
    const page = { ...readPage(query), purpose: textOf(query, 'purpose') };
    return listPage(await this.files.list(tenantOf(headers), page), page.limit, fileView);
  }

  @Get(':id')
  async one(@Param('id') id: string, @Req() { headers }: FastifyRequest) {
    return fileView(await this.files.find(tenantOf(headers), id));
  }

  @Delete(':id')
  async remove(@Param('id') id: string, @Req() { headers }: FastifyRequest) {
    const file = await this.files.find(tenantOf(headers), id);
    if (await this.batches.isInput(id)) {
      throw apiError('job_not_terminal', 'A batch that is not over reads this file. Cancel it first.', 'id');
    }
    await this.files.remove(file);
    return { id, object: 'file', deleted: true };
  }

  @Get(':id/content')
  async content(
    @Param('id') id: string,
    @Req() { headers }: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const file = await this.files.find(tenantOf(headers), id);
    const bytes = await this.files.read(file);
    await reply
      .header('content-type', 'application/octet-stream')
      .header('content-length', file.bytes)
      .header('content-disposition', `attachment; filename*=UTF-8''${encodeURIComponent(file.filename)}`)
      .send(bytes);
  }
}
