import { describe, expect, it } from '@jest/globals';
import { frameHead, readFrame, type LifeEvent } from '@sluice/wire';
import { AttemptLog, newLog, type KeptLog } from './attempt-log.js';
import { addTold, lostAttempts, nothingTold } from './steps/told-so-far.js';

const JOB = 'job_019aa1b2c3d47e5f8a6b7c8d9e0f1234';
const OF = { deployment: 'd', provider: 'openai', model: 'm', considered: [] };
const FAILED = { kind: 'server', code: 'provider_error', message: 'The provider failed.', http_status: 500 };

function logging(kept: KeptLog = newLog(), isWaiting = false) {
  const told: LifeEvent[] = [];
  const log = new AttemptLog(JOB, kept, (event) => void told.push(event), isWaiting);
  return { log, told, types: () => told.map(({ type }) => type.slice(4)) };
}

/** Life frames as they stand in the stream. */
const framesOf = (events: readonly LifeEvent[]) =>
  events.map((event, i) =>
    readFrame(Buffer.from(`${frameHead(JOB, 'life', 1, i + 1, 1)}${JSON.stringify(event)}\n`))!,
  ); // prettier-ignore

describe('AttemptLog', () => {
  it('tells the start of each attempt and the failure of those that failed', () => {
    const { log, told, types } = logging();
    log.end(log.start(OF, 1_000), { outcome: 'failed', error: FAILED }, 2_500);
    log.end(log.start(OF, 3_000), { outcome: 'succeeded', usage: { prompt: 3, completion: 4, estimated: false }, costUsd: 0.5 }, 4_000); // prettier-ignore
    expect(types()).toEqual(['attempt_started', 'attempt_failed', 'attempt_started']);
    expect(told[1]).toMatchObject({ attempt: 1, at_ms: 2_500, error: FAILED });
    expect(log.state).toMatchObject({
      made: 2,
      costUsd: 0.5,
      attempts: [
        { number: 1, outcome: 'failed', started_at: 1, finished_at: 2, error: FAILED },
        { number: 2, outcome: 'succeeded', usage: { input_tokens: 3, output_tokens: 4, total_tokens: 7 } },
      ],
    });
  });

  it('gives ids that are UUIDv7 in form, and differ', () => {
    const { log } = logging();
    for (let i = 0; i < 3; i++) log.end(log.start(OF, 1_000), { outcome: 'cancelled' }, 1_000);
    const ids = log.state.attempts.map(({ id }) => id);
    expect(new Set(ids).size).toBe(3);
    for (const id of ids) expect(id).toMatch(/^att_[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}$/);
  });

  it('says once that a job waits, however often it is given back without an attempt', () => {
    const { log, types } = logging();
    log.wait(9_000, 1_000);
    log.wait(10_000, 2_000);
    log.end(log.start(OF, 1_000), { outcome: 'handed_back' }, 2_000);
    log.wait(undefined, 3_000);
    expect(types()).toEqual(['delayed', 'attempt_started', 'queued']);
  });

  it('keeps the attempts of a hedge by their numbers, whichever ended first', () => {
    const { log } = logging();
    const [first, second] = [log.start(OF, 1_000), log.start(OF, 2_000)];
    log.end(second, { outcome: 'succeeded' }, 3_000);
    log.end(first, { outcome: 'cancelled' }, 3_000);
    expect(log.state.attempts.map(({ number }) => number)).toEqual([1, 2]);
  });

  it('is bounded in what it keeps and in what it tells, and still counts', () => {
    const { log, told } = logging();
    for (let i = 0; i < 1_000; i++) log.end(log.start(OF, 1_000), { outcome: 'failed', error: FAILED }, 1_000);
    expect([log.state.made, log.state.attempts.length, told.length]).toEqual([1_000, 50, 400]);
    expect(log.state.attempts.map(({ number }) => number).filter((n) => n < 12 || n > 998)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 999, 1_000]); // prettier-ignore
    expect([log.has(5), log.has(500), log.has(1_000), log.has(1_001)]).toEqual([true, true, true, false]);
  });

  it('takes up what a lost run told and did not write down', () => {
    const lost = logging();
    lost.log.end(lost.log.start(OF, 1_000), { outcome: 'failed', error: FAILED }, 2_000);
    lost.log.start(OF, 3_000);
    const told = nothingTold();
    for (const frame of framesOf(lost.told)) addTold(told, frame);

    const next = logging();
    for (const { attempt, isTold } of lostAttempts(JOB, told, (n) => next.log.has(n), () => OF as never, 9_000)) next.log.lost(attempt, isTold, 9_000); // prettier-ignore
    expect(next.log.start(OF, 9_000)).toBe(3);
    expect(next.log.state.attempts).toMatchObject([
      { number: 1, outcome: 'failed', error: FAILED, provider: 'openai' },
      { number: 2, outcome: 'crashed', started_at: 3, finished_at: 9, error: { kind: 'crashed' } },
    ]);
    expect(next.log.state.attempts.map(({ id }) => id.length)).toEqual([36, 36]);
    expect(next.told).toMatchObject([
      { type: 'job.attempt_failed', attempt: 2, error: { kind: 'crashed' } },
      { type: 'job.attempt_started', attempt: 3 },
    ]);
  });

  it('knows a crash that the run before it told of and did not write down either', () => {
    const first = logging();
    first.log.start(OF, 1_000);
    const told = nothingTold();
    for (const frame of framesOf(first.told)) addTold(told, frame);
    const second = logging();
    for (const { attempt, isTold } of lostAttempts(JOB, told, () => false, () => undefined, 5_000)) second.log.lost(attempt, isTold, 5_000); // prettier-ignore
    for (const frame of framesOf(second.told)) addTold(told, frame);
    const [{ attempt, isTold }] = lostAttempts(JOB, told, () => false, () => undefined, 9_000) as [{ attempt: object; isTold: boolean }]; // prettier-ignore
    expect([attempt, isTold]).toMatchObject([{ number: 1, outcome: 'crashed', finished_at: 5, provider: null }, true]);
  });

  it('knows of the stream whether content is out and holds', () => {
    const told = nothingTold();
    const content = readFrame(Buffer.from(`${frameHead(JOB, 'head', 1, 1, 1)}{}\ndata: {}\n\n`))!;
    addTold(told, content);
    expect(told.hasContent).toBe(true);
    addTold(told, framesOf([{ type: 'job.output_reset', at_ms: 1, attempt: 1 }])[0]!);
    expect(told.hasContent).toBe(false);
    addTold(told, content);
    expect(told.hasContent).toBe(true);
  });
});
