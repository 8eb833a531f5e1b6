import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { ERROR_CODES, errorBody, errorHeaders, type ErrorCode } from './error-body.js';

const CODES = Object.keys(ERROR_CODES) as ErrorCode[];

describe('docs/errors.md', () => {
  const docs = readFileSync(join(import.meta.dirname, '../../../docs/errors.md'), 'utf8');
  const rows = docs
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.split('|').slice(1, -1));

  it('lists the codes that there are, in their order, and no others', () => {
    expect(rows.map(([code]) => code!.trim().replaceAll('`', ''))).toEqual(CODES);
  });

  it.each(CODES)('tells the truth about %s, and what to do', (code) => {
    const row = rows.find(([cell]) => cell!.trim() === `\`${code}\``)!.map((cell) => cell.trim());
    const { status, type, retryable } = ERROR_CODES[code];
    expect(row.slice(1, 4)).toEqual([String(status), `\`${type}\``, retryable ? 'yes' : 'no']);
    expect(row).toHaveLength(6);
    for (const sentence of row.slice(4)) expect(sentence).toMatch(/^[A-Z].{10,}[.]$/);
  });
});

describe('an error as its caller sees it', () => {
  it('has OpenAI’s members, and a job’s id once there is a job', () => {
    const error = { code: 'invalid_request', message: 'n must be at least 1.', param: 'n' } as const;
    expect(JSON.parse(errorBody(error))).toEqual({
      error: { message: 'n must be at least 1.', type: 'invalid_request_error', param: 'n', code: 'invalid_request' },
    });
    expect(JSON.parse(errorBody({ code: 'no_worker', message: 'None.' }, 'job_1'))).toEqual({
      error: { message: 'None.', type: 'service_unavailable', param: null, code: 'no_worker', job_id: 'job_1' },
    });
  });

  it.each<[ErrorCode, number | undefined, Record<string, string>]>([
    ['no_capacity', 1_200, { 'x-should-retry': 'true', 'retry-after': '2', 'retry-after-ms': '1200' }],
    ['no_capacity', 0, { 'x-should-retry': 'true', 'retry-after': '1', 'retry-after-ms': '1' }],
    ['no_capacity', 60_000, { 'x-should-retry': 'true', 'retry-after': '60', 'retry-after-ms': '60000' }],
    ['no_capacity', 60_001, { 'x-should-retry': 'false', 'retry-after': '61', 'retry-after-ms': '60001' }],
    ['no_worker', undefined, { 'x-should-retry': 'true', 'retry-after': '1', 'retry-after-ms': '1000' }],
    ['insufficient_quota', undefined, { 'x-should-retry': 'false' }],
    ['provider_error', undefined, { 'x-should-retry': 'true' }],
    ['wait_timeout', 1_000, { 'x-should-retry': 'false', 'retry-after': '1', 'retry-after-ms': '1000' }],
    ['invalid_request', undefined, { 'x-should-retry': 'false' }],
  ])('%s, back in %p ms: %p', (code, retryAfterMs, headers) => {
    expect(errorHeaders({ code, message: '', ...(retryAfterMs === undefined ? {} : { retryAfterMs }) })).toEqual(
      headers,
    );
  });
});
