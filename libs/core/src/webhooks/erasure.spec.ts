import { describe, expect, it } from '@jest/globals';
import { endsUntried, erasedPlan, isErasedPlan, nextLookAtErased } from './erasure.js';

const PLAN = {
  id: 'dlv_1',
  tenant: 'acme',
  eventId: 'evt_1',
  type: 'job.failed',
  jobId: 'job_1',
  url: 'https://hooks.example:8443/of/customer-7?token=t',
  secret: 'whsec_s',
  body: '{"data":{"metadata":{"name":"Ada"}}}',
} as const;

describe('a delivery whose job is erased', () => {
  it('keeps what an audit asks for, and nothing of the job', () => {
    const erased = erasedPlan(PLAN);
    expect(erased).toEqual({
      id: 'dlv_1',
      tenant: 'acme',
      eventId: 'evt_1',
      type: 'job.failed',
      jobId: 'job_1',
      url: 'https://hooks.example:8443',
      body: '',
    });
    expect([isErasedPlan(PLAN), isErasedPlan(erased)]).toEqual([false, true]);
    expect(erasedPlan(erased)).toEqual(erased);
  });

  it.each([
    ['open: soon', 0, true, 1_000],
    ['open for long: soon', 3_600_000, true, 1_000],
    ['over: for late ones', 0, false, 60_000],
    ['over, ten minutes later: never', 600_000, false, undefined],
  ])('%s', (_, ageMs, isAnyOpen, inMs) => {
    const now = 1_800_000_000_000;
    expect(nextLookAtErased(now - ageMs, now, isAnyOpen)).toBe(inMs === undefined ? undefined : now + inMs);
  });

  it('is tried once, unless that takes a minute', () => {
    expect([0, 60_000, 60_001].map((ageMs) => endsUntried(0, ageMs))).toEqual([false, false, true]);
  });
});
