import type { FastifyReply } from 'fastify';
import { answerHeaders } from '../answer-headers.js';
import type { ResponsesDeps } from './responses-deps.js';
import type { StoredResponse } from './stored-responses.js';

/** As it stands now. */
export async function sendResponse(
  stored: StoredResponse,
  reply: FastifyReply,
  deps: Pick<ResponsesDeps, 'stored'>,
): Promise<void> {
  const body = await deps.stored.view(stored);
  void reply
    .code(200)
    .headers(answerHeaders(stored.job, stored.outcome?.served))
    .header('content-type', 'application/json; charset=utf-8')
    .send(body);
}
