import { describe, expect, it } from '@jest/globals';
import { readFrame } from '@sluice/wire';
import { JobRelay } from './frame-relay.js';

type Verdict = 'go' | 'stale' | 'cancelled';

const JOB = `job_${'0'.repeat(32)}`;
const SERVED = '{"deployment":"d"}';

/** A relay whose writes wait to be answered one by one, in their order. */
function relay({ lastSeq = 0 } = {}) {
  const writes: { firstSeq: number; count: number; kind: string; payload: string }[] = [];
  const answers: { resolve: (verdict: Verdict) => void; reject: (error: Error) => void }[] = [];
  const jobRelay = new JobRelay(
    JOB,
    1,
    lastSeq,
    (firstSeq, count, bytes) => {
      const frame = readFrame(Buffer.from(bytes))!;
      expect([frame.firstSeq, frame.count, frame.epoch]).toEqual([firstSeq, count, 1]);
      writes.push({ firstSeq, count, kind: frame.kind, payload: frame.payload.toString() });
      return new Promise((resolve, reject) => answers.push({ resolve, reject }));
    },
    () => 1_000,
  );
  const answer = async (verdict: Verdict | Error): Promise<void> => {
    const { resolve, reject } = answers.shift()!;
    if (verdict instanceof Error) reject(verdict);
    else resolve(verdict);
    await turn();
  };
  return { jobRelay, writes, answer };
}

const turn = (): Promise<void> => new Promise((done) => setImmediate(done));

describe('JobRelay', () => {
  it('sends what comes while a write is on its way as one frame, with no seq left out', async () => {
    const { jobRelay, writes, answer } = relay({ lastSeq: 7 });
    await jobRelay.push('a', 1, SERVED);
    for (const [events, count] of [['b', 1], ['cd', 2], ['e', 1]] as const) await jobRelay.push(events, count); // prettier-ignore
    expect(jobRelay.lastSeq).toBe(12);
    await answer('go');
    await jobRelay.push('f', 1);
    await answer('go');
    await answer('go');
    expect(await jobRelay.flush()).toBe('go');
    await jobRelay.push('g', 1);
    expect(writes).toEqual([
      { firstSeq: 8, count: 1, kind: 'head', payload: `${SERVED}\na` },
      { firstSeq: 9, count: 4, kind: 'events', payload: 'bcde' },
      { firstSeq: 13, count: 1, kind: 'events', payload: 'f' },
      { firstSeq: 14, count: 1, kind: 'events', payload: 'g' },
    ]);
  });

  it('writes nothing more after a refused write: what came next would have a hole before it', async () => {
    const { jobRelay, writes, answer } = relay();
    await jobRelay.push('a', 1, SERVED);
    await jobRelay.push('b', 1);
    await answer(new Error('OOM'));
    await expect(jobRelay.push('c', 1)).rejects.toThrow('OOM');
    await expect(jobRelay.push('d', 1)).rejects.toThrow('OOM');
    await expect(jobRelay.flush()).rejects.toThrow('OOM');
    await turn();
    expect(writes.map(({ payload }) => payload)).toEqual([`${SERVED}\na`]);
  });

  it.each(['stale', 'cancelled'] as const)('writes and holds nothing more once it heard %s', async (verdict) => {
    const { jobRelay, writes, answer } = relay();
    await jobRelay.push('a', 1);
    await jobRelay.push('b', 1);
    await answer(verdict);
    const { lastSeq } = jobRelay;
    expect(await jobRelay.push('c', 1)).toBe(verdict);
    expect(await jobRelay.flush()).toBe(verdict);
    expect([writes.length, jobRelay.lastSeq]).toEqual([1, lastSeq]);
  });

  it('goes on after a push without events', async () => {
    const { jobRelay, writes } = relay();
    await jobRelay.push('', 0);
    await jobRelay.push('a', 1);
    expect(writes).toEqual([{ firstSeq: 1, count: 1, kind: 'events', payload: 'a' }]);
  });

  it('makes a provider wait that outruns Redis by more than a mebibyte', async () => {
    const { jobRelay, writes, answer } = relay();
    const most = 'x'.repeat(1 << 20);
    await jobRelay.push('first', 1);
    expect(await jobRelay.push(most, 1)).toBe('go');
    let isThrough = false;
    const waiting = jobRelay.push('y', 1).then(() => (isThrough = true));
    await turn();
    expect(isThrough).toBe(false);
    await answer('go');
    expect(isThrough).toBe(false); // all that is held goes first
    await answer('go');
    await waiting;
    expect(writes.map(({ firstSeq, count }) => [firstSeq, count])).toEqual([
      [1, 1],
      [2, 2],
    ]);
  });
});
