import { Body, Controller, HttpCode, Inject, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { LiveSettings } from '../../live-settings.js';
import { REPLY_DEPS } from '../../tokens.js';
import { answerCall } from '../answer-call.js';
import { checkedBody } from '../lean-validation.pipe.js';
import type { ReplyDeps } from '../reply-deps.js';
import { countTokens } from './count-tokens.js';
import { translatedCall } from '../translated-call.js';

/** Anthropic's Messages, for any model group (API.md 3). */
@Controller(['v1', ''])
export class MessagesController {
  constructor(
    private readonly live: LiveSettings,
    @Inject(REPLY_DEPS) private readonly replyDeps: ReplyDeps,
  ) {}

  @Post('messages')
  create(@Body() body: unknown, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    reply.header('request-id', request.id); // where Anthropic's clients look for it
    const call = translatedCall('/v1/messages', body, { source: request.source });
    return answerCall(call, request, reply, this.live.submit, this.replyDeps);
  }

  @Post('messages/count_tokens')
  @HttpCode(200)
  count(@Body() body: unknown, @Req() request: FastifyRequest): { input_tokens: number } {
    const asked = { ...checkedBody(body), max_tokens: 1, stream: false };
    const { body: chat } = translatedCall('/v1/messages', asked);
    return { input_tokens: countTokens(chat, request.source!.length, this.live.submit) };
  }
}
