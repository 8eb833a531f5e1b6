import { ERROR_CODES, type ApiError } from '../error-body.js';

/** Anthropic's word for a status; its clients choose by the status alone. */
const TYPES: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  409: 'conflict_error',
  410: 'not_found_error',
  413: 'request_too_large',
  422: 'invalid_request_error',
  429: 'rate_limit_error',
  503: 'overloaded_error',
  504: 'timeout_error',
};

export const messagesErrorType = ({ code }: ApiError): string => TYPES[ERROR_CODES[code].status] ?? 'api_error';

/** `{"type":"error","error":{type,message},request_id}`: the body of every error on Anthropic's routes, and of an error event. */
export const messagesErrorBody = (error: ApiError, _jobId?: string, requestId?: string): string =>
  JSON.stringify({
    type: 'error',
    error: { type: messagesErrorType(error), message: error.message },
    request_id: requestId ?? null,
  });
