import { Body, Controller, Inject, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { LiveSettings } from '../../live-settings.js';
import { REPLY_DEPS } from '../../tokens.js';
import { answerCall } from '../answer-call.js';
import { translatedCall } from '../translated-call.js';
import type { ReplyDeps } from '../reply-deps.js';

/** OpenAI's Responses, by way of chat (API.md 2). */
@Controller(['v1', ''])
export class ResponsesController {
  constructor(
    private readonly live: LiveSettings,
    @Inject(REPLY_DEPS) private readonly replyDeps: ReplyDeps,
  ) {}

  @Post('responses')
  create(@Body() body: unknown, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const call = translatedCall('/v1/responses', body);
    return answerCall(call, request, reply, this.live.submit, this.replyDeps);
  }
}
