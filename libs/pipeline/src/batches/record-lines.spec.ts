import { describe, expect, it } from '@jest/globals';
import type { DoneLine, LineContext } from '@sluice/store';
import type { DurableJob, Endpoint, Outcome } from '@sluice/wire';
import { recordLines, type OverLine } from './record-lines.js';

const overLine = (line: number, outcome: Partial<Outcome> = {}): OverLine => ({
  group: 'g',
  jobId: `job_${String(line).padStart(32, '0')}`,
  durable: {
    kind: 'batch',
    model: 'm',
    createdAtMs: 0,
    batch: { id: 'batch_1', line, customId: `line-${line}` },
  } as unknown as DurableJob & { batch: NonNullable<DurableJob['batch']> },
  outcome: { state: 'completed', ...outcome },
});

/** What is written of lines with these results. */
async function written(endpoint: Endpoint, over: readonly OverLine[], results: readonly string[]): Promise<DoneLine[]> {
  const done: DoneLine[] = [];
  const context: LineContext = { dialect: 'openai', endpoint, status: 'in_progress', expiresAtMs: 1e15 };
  await recordLines(over, {
    results: {
      contexts: () => Promise.resolve(new Map([['batch_1', context]])),
      write: (lines) => {
        done.push(...lines);
        return Promise.resolve(new Map());
      },
    },
    lines: {
      read: () => Promise.resolve(results.map((text) => ({ result: Buffer.from(text), asked: Buffer.alloc(0) }))),
      free: () => Promise.resolve(),
    },
    nowMs: () => 1_000,
  });
  return done;
}

describe('lines that are over', () => {
  it('are written though the answer of one of them cannot be read', async () => {
    const answer = '{"object":"text_completion","choices":[]}';
    const done = await written('/v1/completions', [overLine(1), overLine(2)], ['{"object":', answer]);
    expect(done.map(({ ended }) => ended)).toEqual(['errored', 'succeeded']);
    expect(JSON.parse(done[0]!.content)).toMatchObject({ custom_id: 'line-1', response: { status_code: 500 } });
  });

  it('are written though a provider counts more tokens than there are', async () => {
    const usage = { prompt: 1e300, completion: Infinity, cached: 0, reasoning: 0, cacheWrite: 0, estimated: false };
    const [done] = await written('/v1/chat/completions', [overLine(1, { usage } as Partial<Outcome>)], ['{}']);
    expect(done).toMatchObject({ ended: 'succeeded', inputTokens: MOST, outputTokens: MOST });
  });
});

/** Of one line: some thousand millions of these fit into PostgreSQL's bigint. */
const MOST = 1_000_000_000;
