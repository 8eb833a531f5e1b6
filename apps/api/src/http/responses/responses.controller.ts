import { Body, Controller, Delete, Get, Inject, Param, Post, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { LiveSettings } from '../../live-settings.js';
import { REPLY_DEPS, RESPONSES_DEPS } from '../../tokens.js';
import { answerCall } from '../answer-call.js';
import { readPage, type QueryParams } from '../list-page.js';
import type { ReplyDeps } from '../reply-deps.js';
import { tenantOf } from '../request-options.js';
import { cancelResponse } from './cancel-response.js';
import { deleteResponse } from './delete-response.js';
import { listInputItems } from './list-input-items.js';
import { readReplay } from './read-query.js';
import { replayResponse } from './replay-response.js';
import type { ResponsesDeps } from './responses-deps.js';
import { sendResponse } from './send-response.js';
import type { StoredResponse } from './stored-responses.js';
import { submitBackground } from './submit-background.js';
import { wholeCall } from './whole-call.js';

/** OpenAI's Responses, by way of chat (API.md 2). */
@Controller(['v1/responses', 'responses'])
export class ResponsesController {
  constructor(
    private readonly live: LiveSettings,
    @Inject(REPLY_DEPS) private readonly replyDeps: ReplyDeps,
    @Inject(RESPONSES_DEPS) private readonly deps: ResponsesDeps,
  ) {}

  @Post()
  async create(@Body() body: unknown, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { submit } = this.live; // once: a reload must not change it half way
    const { maxBodyBytes } = this.live.settings;
    const call = await wholeCall(body, tenantOf(request.headers), this.deps, maxBodyBytes);
    if (call.asked['background'] === true) {
      return submitBackground(call, request, reply, submit, this.deps);
    }
    const isStored = call.asked['store'] !== false;
    return answerCall({ ...call, isStored }, request, reply, submit, this.replyDeps);
  }

  @Get(':id')
  async get(
    @Param('id') id: string,
    @Query() query: QueryParams,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const replay = readReplay(query);
    const stored = await this.find(id, request);
    if (replay === undefined) return sendResponse(stored, reply, this.deps);
    return replayResponse(stored, replay.startingAfter, reply, this.deps);
  }

  @Post(':id/cancel')
  async cancel(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const gone = new AbortController();
    reply.raw.once('close', () => gone.abort());
    const stored = await this.find(id, request);
    await cancelResponse(stored, gone.signal, this.deps);
    const ended = stored.outcome === undefined ? await this.find(id, request) : stored;
    return sendResponse(ended, reply, this.deps);
  }

  @Delete(':id')
  async delete(@Param('id') id: string, @Req() request: FastifyRequest): Promise<object> {
    return deleteResponse(await this.find(id, request), this.deps);
  }

  @Get(':id/input_items')
  async inputItems(
    @Param('id') id: string,
    @Query() query: QueryParams,
    @Req() request: FastifyRequest,
  ): Promise<object> {
    const page = readPage(query);
    return listInputItems(await this.find(id, request), page);
  }

  private find(id: string, request: FastifyRequest): Promise<StoredResponse> {
    return this.deps.stored.find(id, tenantOf(request.headers));
  }
}
