import { Body, Controller, Inject, Post, Req, Res } from '@nestjs/common';
import type { ChatCompletionRequest } from '@sluice/wire';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { LiveSettings } from '../live-settings.js';
import { REPLY_DEPS } from '../tokens.js';
import { answerCall } from './answer-call.js';
import { LeanValidationPipe } from './lean-validation.pipe.js';
import type { ReplyDeps } from './reply-deps.js';

@Controller(['v1', ''])
export class ChatCompletionsController {
  constructor(
    private readonly live: LiveSettings,
    @Inject(REPLY_DEPS) private readonly replyDeps: ReplyDeps,
  ) {}

  @Post('chat/completions')
  create(
    @Body(new LeanValidationPipe()) body: ChatCompletionRequest,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    return answerCall({ asked: body, body, source: request.source! }, request, reply, this.live.submit, this.replyDeps);
  }
}
