import { Body, Controller, Inject, Post, Req, Res } from '@nestjs/common';
import { resolveModel } from '@sluice/core';
import { submitInference } from '@sluice/pipeline';
import type { ChatCompletionRequest } from '@sluice/wire';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { LiveSettings } from '../live-settings.js';
import { REPLY_DEPS } from '../tokens.js';
import { ApiException } from './api-error.js';
import { replyWithJson } from './json-reply.js';
import { LeanValidationPipe } from './lean-validation.pipe.js';
import { SHUTTING_DOWN, type Following, type ReplyDeps } from './reply-deps.js';
import { readRequestOptions, type CallOptions } from './request-options.js';
import { replyWithSse } from './sse-reply.js';

@Controller(['v1', ''])
export class ChatCompletionsController {
  constructor(
    private readonly live: LiveSettings,
    @Inject(REPLY_DEPS) private readonly replyDeps: ReplyDeps,
  ) {}

  @Post('chat/completions')
  async create(
    @Body(new LeanValidationPipe()) body: ChatCompletionRequest,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    if (this.replyDeps.openCalls.isDraining) throw new ApiException(SHUTTING_DOWN);
    const { submit } = this.live; // once: a reload must not change it half way
    const { models, isStrict, policy } = submit;
    const isModel = (name: string): boolean => resolveModel(models, name, isStrict).kind === 'found';
    const options = readRequestOptions(request.headers, body, isModel, request.hasMasterKey);
    const { openCalls } = this.replyDeps;
    let isCut = false;
    const accepting = { isStream: body.stream === true, shutDown: () => (isCut = true) }; // a shutdown waits for it
    openCalls.add(accepting);
    try {
      const submission = { source: request.source!, body, options, requestId: request.id };
      const submitted = await submitInference(submission, submit);
      if (submitted.kind === 'refused') throw new ApiException(submitted.error);
      if (isCut) {
        submitted.follower.close();
        throw new ApiException(SHUTTING_DOWN, submitted.job.jobId);
      }
      await this.reply(submitted, body, { ...options, waitMs: options.waitMs ?? policy.waitMs }, reply);
    } finally {
      openCalls.delete(accepting); // the reply is counted by now
    }
  }

  private async reply(
    submitted: Following,
    body: ChatCompletionRequest,
    options: CallOptions & { waitMs: number },
    reply: FastifyReply,
  ): Promise<void> {
    const following = options.continues ? { ...submitted, cancel: () => Promise.resolve() } : submitted;
    if (reply.raw.destroyed) {
      // The caller left while the job was being accepted.
      following.follower.close();
      await following.cancel();
    } else if (body.stream === true) replyWithSse(following, reply, this.replyDeps);
    else replyWithJson(following, reply, { ...this.replyDeps, waitMs: options.waitMs });
  }
}
