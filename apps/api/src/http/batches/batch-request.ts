import { completionWindowMs } from '@sluice/core';
import { ENDPOINTS, type Endpoint } from '@sluice/wire';
import { apiError } from '../api-error.js';
import { FILE_KEPT_MS } from '../files/kept-files.js';
import { storableMetadataOf } from '../jobs/create-members.js';
import { keptSeconds } from '../files/receive-upload.js';

export interface BatchRequest {
  inputFileId: string;
  endpoint: Endpoint;
  completionWindow: string;
  windowMs: number;
  metadata: Record<string, string>;
  outputKeptMs: number;
}

/** Anthropic's have a route of their own. */
const BATCH_ENDPOINTS: readonly Endpoint[] = ENDPOINTS.filter((endpoint) => endpoint !== '/v1/messages');

/** The body of `POST /v1/batches`. @throws 400 that names the member */
export function readBatchRequest(body: unknown): BatchRequest {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw apiError('invalid_request', 'The body must be a JSON object.');
  const members = body as Record<string, unknown>;
  const { input_file_id: inputFileId, endpoint, completion_window: completionWindow = '24h' } = members;
  if (typeof inputFileId !== 'string' || inputFileId === '')
    throw apiError('invalid_request', 'input_file_id must be the id of a file.', 'input_file_id');
  const known = BATCH_ENDPOINTS.find((path) => path === endpoint);
  if (known === undefined)
    throw apiError('invalid_request', `endpoint must be one of ${BATCH_ENDPOINTS.join(', ')}.`, 'endpoint');
  const windowMs = typeof completionWindow === 'string' ? completionWindowMs(completionWindow) : undefined;
  if (windowMs === undefined)
    throw apiError('invalid_request', 'completion_window must be from 1m to 7d, like 24h.', 'completion_window');
  return {
    inputFileId,
    endpoint: known,
    completionWindow: completionWindow as string,
    windowMs,
    metadata: storableMetadataOf(members['metadata']),
    outputKeptMs: outputKeptMs(members['output_expires_after']),
  };
}

function outputKeptMs(value: unknown): number {
  if (value === undefined || value === null) return FILE_KEPT_MS;
  const { anchor, seconds } = value as { anchor?: unknown; seconds?: unknown };
  if (anchor === 'created_at') return keptSeconds(seconds, 'output_expires_after') * 1_000;
  throw apiError('invalid_request', 'output_expires_after.anchor must be created_at.', 'output_expires_after');
}
