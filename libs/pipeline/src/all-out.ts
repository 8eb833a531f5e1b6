import type { ApiError } from '@sluice/wire';

/** Failures alone have shut every deployment that a call may ask. @param attempts what it tried itself, as a sentence that follows */
export const allOut = (retryAfterMs: number, attempts = ''): ApiError => ({
  code: 'no_deployment_available',
  message: `Every deployment of this model is out after failures. They are probed until one is back.${attempts}`,
  retryAfterMs,
});
