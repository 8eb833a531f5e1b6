import { describe, expect, it } from '@jest/globals';
import { completionWindowMs } from './completion-window.js';
import { endingOf, lastStatus } from './batch-status.js';
import { lineJobId } from './line-job-id.js';
import { groupNumberOf, isJobId } from '../job-id.js';
import { OPENAI_LINES, readBatchLine, type BatchLine } from './read-batch-line.js';

describe('a line of a batch', () => {
  it('keeps the bytes of its body', () => {
    const body = '{ "seed": 12345678901234567890, "temperature": 1.0 }';
    const text = `{"body": {"x": 1}, "custom_id": "a", "url": "/u", "body": ${body}}`;
    const read = readBatchLine(text, OPENAI_LINES('/u')) as BatchLine;
    expect(text.slice(...read.bodySpan())).toBe(body);
  });

  it('has no body when that is no object, or is too deep for anybody', () => {
    const deep = `${'{"a":'.repeat(300)}1${'}'.repeat(300)}`;
    for (const body of ['1', 'null', '[]', deep]) {
      const read = readBatchLine(`{"custom_id":"a","url":"/u","body":${body}}`, OPENAI_LINES('/u'));
      expect(read).toMatchObject({ customId: 'a', body: undefined });
    }
  });

  it('is always the same job', () => {
    const id = lineJobId('batch_1', 7, 1_700_000_000_000, 42);
    expect(isJobId(id)).toBe(true);
    expect(groupNumberOf(id)).toBe(42);
    expect(lineJobId('batch_1', 7, 1_700_000_000_000, 42)).toBe(id);
    expect(lineJobId('batch_1', 8, 1_700_000_000_000, 42)).not.toBe(id);
    expect(lineJobId('batch_2', 7, 1_700_000_000_000, 42)).not.toBe(id);
  });
});

describe('the window of a batch', () => {
  it.each([
    ['24h', 86_400_000],
    ['1m', 60_000],
    ['7d', 604_800_000],
    ['0m', undefined],
    ['8d', undefined],
    ['24', undefined],
    ['1.5h', undefined],
    ['', undefined],
  ])('%s', (text, ms) => {
    expect(completionWindowMs(text)).toBe(ms);
  });
});

describe('the end of a batch', () => {
  it('comes by its caller, or by its time', () => {
    const at = (status: 'in_progress' | 'cancelling', nowMs: number) => endingOf({ status, expiresAtMs: 1_000 }, nowMs);
    expect(at('in_progress', 999)).toBeUndefined();
    expect(at('in_progress', 1_000)).toBe('expired');
    expect(at('cancelling', 5_000)).toBe('cancelled');
  });

  it('is completed when every line has run, however late', () => {
    expect(lastStatus('expired', 0)).toBe('completed');
    expect(lastStatus('expired', 1)).toBe('expired');
    expect(lastStatus('cancelled', 0)).toBe('cancelled');
    expect(lastStatus(undefined, 0)).toBe('completed');
  });
});
