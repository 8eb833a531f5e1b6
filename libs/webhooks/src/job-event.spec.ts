import { describe, expect, it } from '@jest/globals';
import type { DurableJob } from '@sluice/wire';
import { eventOfJob, type JobOver } from './job-event.js';

const HEX = '0199a2b3c4d57e6f8a9b0c1d2e3f4a5b';
const over = (kind: DurableJob['kind'], state: JobOver['state'], more: Partial<JobOver> = {}): JobOver => ({
  id: '1-1',
  type: 'over',
  jobId: `job_${HEX}`,
  durable: { kind, tenant: 'acme', metadata: { a: 'b' } } as unknown as DurableJob,
  state,
  outcome: { state },
  finishedAtMs: 1_700_000_000_000,
  attempts: 1,
  ...more,
});

describe('eventOfJob', () => {
  it.each(['completed', 'failed', 'cancelled', 'expired'] as const)('tells of a job that is %s', (state) => {
    expect(eventOfJob(over('native', state))?.event).toEqual({
      id: `evt_${HEX}`,
      type: `job.${state}`,
      tenant: 'acme',
      createdAtMs: 1_700_000_000_000,
      data: { id: `job_${HEX}`, status: state, metadata: { a: 'b' } },
      jobId: `job_${HEX}`,
    });
  });

  it.each([
    ['completed', 'stop', 'completed'],
    ['completed', 'length', 'incomplete'],
    ['completed', 'content_filter', 'incomplete'],
    ['failed', undefined, 'failed'],
    ['expired', undefined, 'failed'],
    ['cancelled', undefined, 'cancelled'],
  ] as const)('tells of a background response that is %s (%s)', (state, finish, status) => {
    const outcome = { state, ...(finish === undefined ? {} : { finish }) };
    const { event } = eventOfJob(over('background', state, { outcome }))!;
    expect(event).toMatchObject({ type: `response.${status}`, data: { id: `resp_${HEX}`, status } });
  });

  it('passes on why, and to whom', () => {
    const error = { code: 'provider_error', message: 'It failed.' } as const;
    const webhook = { endpointId: 'we_1' };
    const failed = over('native', 'failed', { outcome: { state: 'failed', error } });
    failed.durable.webhook = webhook;
    expect(eventOfJob(failed)).toMatchObject({ event: { data: { error } }, own: webhook });
  });

  it('says nothing of the lines of a batch', () => {
    expect(eventOfJob(over('batch', 'completed'))).toBeUndefined();
  });
});
