import type { ApiError } from '../error-body.js';
import type { AskedBody } from './presentation.js';

/** The one member that every endpoint has. */
export function modelProblem({ model }: AskedBody): ApiError | undefined {
  if (typeof model === 'string' && model !== '' && model.length <= 512) return undefined;
  return { code: 'invalid_request', message: 'model must be a string of 1 to 512 characters.', param: 'model' };
}
