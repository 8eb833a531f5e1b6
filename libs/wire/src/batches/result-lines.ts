import { ERROR_CODES } from '../error-body.js';
import type { BatchDialect, BatchDialectName, LineIdentity } from './batch-dialect.js';

const UNRUN = {
  cancelled: 'This request was not executed, since the batch was cancelled.',
  expired: 'This request could not be executed before the completion window expired.',
};

/** Templates and not JSON.stringify of the whole: an answer is copied as it stands, never parsed. */
const openaiLine = ({ customId, jobId }: LineIdentity, response: string, error: string): string =>
  `{"id":"batch_req_${jobId.slice(4)}","custom_id":${JSON.stringify(customId)},"response":${response},"error":${error}}`;

const response = (status: number, { jobId }: LineIdentity, body: string): string =>
  `{"status_code":${status},"request_id":"${jobId}","body":${body}}`;

/** Lines of OpenAI's output and error files. */
const OPENAI_BATCH: BatchDialect = {
  splitsErrors: true,
  succeeded: (line, body) => openaiLine(line, response(200, line, body), 'null'),
  errored: (line, { code }, body) => openaiLine(line, response(ERROR_CODES[code].status, line, body), 'null'),
  unrun: (line, end) => openaiLine(line, 'null', JSON.stringify({ code: `batch_${end}`, message: UNRUN[end] })),
};

const anthropicLine = ({ customId }: LineIdentity, result: string): string =>
  `{"custom_id":${JSON.stringify(customId)},"result":${result}}`;

/** Lines of Anthropic's results: all in one file. */
const ANTHROPIC_BATCH: BatchDialect = {
  splitsErrors: false,
  succeeded: (line, body) => anthropicLine(line, `{"type":"succeeded","message":${body}}`),
  errored: (line, _error, body) => anthropicLine(line, `{"type":"errored","error":${body}}`),
  unrun: (line, end) => anthropicLine(line, `{"type":"${end === 'cancelled' ? 'canceled' : 'expired'}"}`),
};

export const BATCH_DIALECTS: Readonly<Record<BatchDialectName, BatchDialect>> = {
  openai: OPENAI_BATCH,
  anthropic: ANTHROPIC_BATCH,
};
