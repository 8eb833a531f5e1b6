import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { isUnstorableText } from '@sluice/store';
import type { Emit } from '@sluice/telemetry';
import {
  ERROR_CODES,
  errorBody,
  errorHeaders,
  messagesErrorBody,
  type ApiError,
  type Presentation,
} from '@sluice/wire';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ApiException, apiError, storageError } from './api-error.js';
import { describeSurprise } from './describe-surprise.js';

/** Whatever ends a request before its reply began becomes one error body here, the framework's own errors too. */
@Catch()
export class ErrorFilter implements ExceptionFilter {
  constructor(private readonly emit: Emit) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    this.answer(thrown, http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>());
  }

  /** For routes that are no controller's. */
  answer(thrown: unknown, request: FastifyRequest, reply: FastifyReply): void {
    const { error, jobId } = this.exceptionOf(thrown, request);
    if (reply.raw.headersSent) {
      reply.raw.destroy();
      return;
    }
    sendError(reply, error, jobId);
  }

  private exceptionOf(thrown: unknown, request: FastifyRequest): ApiException {
    if (thrown instanceof ApiException) return thrown;
    const framework = frameworkError(thrown, request);
    if (framework !== undefined) return framework;
    const storage = storageError(thrown);
    if (storage !== undefined) return storage;
    if (isUnstorableText(thrown)) return apiError('invalid_request', UNSTORABLE);
    this.emit('internal.error', { area: 'api', message: describeSurprise(thrown) });
    return apiError('internal_error', 'Sluice failed on this call. It is logged with its cause.');
  }
}

const UNSTORABLE = 'No text may hold a NUL or half of a surrogate pair.';

/** @param write the body in the dialect of the call; absent: of the path that it came to */
export function sendError(reply: FastifyReply, error: ApiError, jobId?: string, write?: Presentation['error']): void {
  const isMessages = ANTHROPICS_PATHS.test(reply.request.url);
  if (isMessages) reply.header('request-id', reply.request.id); // where Anthropic's clients look for it
  if (jobId !== undefined) reply.header('x-sluice-job-id', jobId);
  // Fastify closes after a refused body; kept open, Node reads and drops what is left of it, within the request's time. Closed
  // with bytes unread, a connection is reset, and the client may never see the answer.
  if (error.code === 'shutting_down') reply.header('connection', 'close');
  else reply.removeHeader('connection');
  void reply
    .code(ERROR_CODES[error.code].status)
    .headers(errorHeaders(error))
    .header('content-type', 'application/json; charset=utf-8')
    .send((write ?? (isMessages ? messagesErrorBody : errorBody))(error, jobId, reply.request.id));
}

/** Whatever is wrong there, an unknown key or a body that is no JSON: Anthropic's clients read Anthropic's errors. */
const ANTHROPICS_PATHS = /^\/+(?:v1\/+)?messages(?:[/?]|$)/;

export function unknownRoute({ method, url }: FastifyRequest): ApiError {
  return { code: 'unknown_route', message: `There is no ${method} ${url.split('?')[0]!.slice(0, 200)}.` };
}

/** Errors of Nest's router and of Fastify's parsers. */
function frameworkError(thrown: unknown, request: FastifyRequest): ApiException | undefined {
  const status =
    thrown instanceof HttpException ? thrown.getStatus() : (thrown as { statusCode?: unknown } | null)?.statusCode;
  switch (status) {
    case 404:
      return new ApiException(unknownRoute(request));
    case 413:
      return apiError(
        'request_too_large',
        `The body is larger than ${(request.routeOptions.bodyLimit ?? 0) / 1024 / 1024} MiB (general_settings.max_request_size_mb).`,
      );
    case 415:
      return apiError('invalid_request', 'The body must be JSON, with content-type: application/json.');
    case 400:
      return apiError('invalid_request', (thrown as Error).message);
    default:
      return undefined;
  }
}
