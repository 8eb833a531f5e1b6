import { mergePatch } from '@sluice/core';
import { apiError } from '../api-error.js';
import { checkedBody } from '../lean-validation.pipe.js';

/** What is to be different when a job is tried again. */
export interface RetryEdits {
  /** RFC 7396. */
  patch: Readonly<Record<string, unknown>>;
}

export const NO_EDITS: RetryEdits = { patch: {} };

/** The body of `POST /v1/jobs/ID/retry`: `{model, body}`; absent: nothing is. @throws 400 invalid_request */
export function readRetryEdits(sent: unknown): RetryEdits {
  if (sent === undefined || sent === null) return NO_EDITS;
  const { model, body = {}, ...others } = checkedBody(sent);
  const [other] = Object.keys(others);
  if (other !== undefined)
    throw apiError('invalid_request', `There is no member "${other.slice(0, 100)}".`, other.slice(0, 100));
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw apiError(
      'invalid_request',
      'body must be an object: what it says stands in place of what was asked.',
      'body',
    );
  }
  if (model === undefined || model === null) return { patch: body as Record<string, unknown> };
  if (typeof model === 'string') return { patch: { ...body, model } };
  throw apiError('invalid_request', 'model must be the name of a model.', 'model');
}

export const isEdited = ({ patch }: RetryEdits): boolean => Object.keys(patch).length > 0;

export const edited = (asked: unknown, { patch }: RetryEdits): unknown => mergePatch(asked, patch);
