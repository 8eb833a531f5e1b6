import { Body, Controller, Inject, Param, Post, Req, Res } from '@nestjs/common';
import { changeMembers } from '@sluice/core';
import type { Endpoint } from '@sluice/wire';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { LiveSettings } from '../live-settings.js';
import { REPLY_DEPS } from '../tokens.js';
import { answerCall } from './answer-call.js';
import { apiError } from './api-error.js';
import { checkedBody } from './lean-validation.pipe.js';
import type { ReplyDeps } from './reply-deps.js';
import { translatedCall } from './translated-call.js';

/** What follows the model in the older addresses, and those of Azure's clients. */
const BY_ROUTE: Readonly<Record<string, Endpoint>> = {
  'chat/completions': '/v1/chat/completions',
  completions: '/v1/completions',
  embeddings: '/v1/embeddings',
};

/** OpenAI's endpoints beside the chat, and the addresses that name the model in the path (API.md 2). */
@Controller(['v1', ''])
export class OpenaiCallsController {
  constructor(
    private readonly live: LiveSettings,
    @Inject(REPLY_DEPS) private readonly replyDeps: ReplyDeps,
  ) {}

  @Post('completions')
  complete(@Body() body: unknown, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.answer('/v1/completions', body, request.source!, request, reply);
  }

  @Post('embeddings')
  embed(@Body() body: unknown, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.answer('/v1/embeddings', body, request.source!, request, reply);
  }

  @Post('moderations')
  moderate(@Body() body: unknown, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.answer('/v1/moderations', body, request.source!, request, reply);
  }

  /** The path's model counts: clients of Azure send another in the body, or none. */
  @Post(['engines/:model/*', 'openai/deployments/:model/*'])
  ofModel(
    @Param('model') model: string,
    @Param('*') route: string,
    @Body() body: unknown,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const endpoint = BY_ROUTE[route.replace(/\/+$/, '')];
    if (endpoint === undefined) throw apiError('unknown_route', `There is no ${route.slice(0, 200)} of a model.`);
    const named = { ...checkedBody(body), model };
    const source = changeMembers(request.source!.toString(), new Map([['model', { value: JSON.stringify(model) }]]));
    return this.answer(endpoint, named, Buffer.from(source), request, reply);
  }

  private answer(
    endpoint: Endpoint,
    body: unknown,
    source: Buffer,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<void> {
    const call = translatedCall(endpoint, body, { source });
    return answerCall(call, request, reply, this.live.submit, this.replyDeps);
  }
}
