import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { nativeJobs } from '../support/native-jobs.js';
import { startSluice, type SluiceUnderTest } from '../support/sluice.js';

let sluice: SluiceUnderTest;
let jobs: ReturnType<typeof nativeJobs>;

beforeAll(async () => {
  sluice = await startSluice([{ profile: 'only' }], { yaml: 'router_settings: {num_retries: 0}' });
  jobs = nativeJobs(sluice);
});
afterAll(() => sluice?.stop());
beforeEach(() => sluice.simulator.setProfile('only', {}));

const ID = /^job_[0-9a-f]{32}$/;
const seconds = expect.any(Number);

describe('a submitted job', () => {
  it('is accepted at once, runs, and gives its result as often as it is asked', async () => {
    const metadata = { order: '66', who: 'me' };
    const { status, headers, body } = await jobs.submit({ metadata, priority: 'high' });
    expect([status, headers.get('location'), headers.get('preference-applied')]).toEqual([
      202,
      `/v1/jobs/${body['id']}`,
      null,
    ]);
    expect(body).toMatchObject({
      id: expect.stringMatching(ID),
      object: 'job',
      endpoint: '/v1/chat/completions',
      model: sluice.group,
      priority: 'high',
      metadata,
      created_at: seconds,
      deadline_at: body['created_at'] + 86_400,
      queue_expires_at: body['created_at'] + 86_400,
      batch_id: null,
      error: null,
      retried_from: null,
    });

    const { body: ended } = await jobs.ended(body['id']);
    expect(ended).toMatchObject({
      id: body['id'],
      status: 'completed',
      attempts: 1,
      started_at: seconds,
      finished_at: seconds,
      result_expires_at: ended['finished_at'] + 86_400,
      deployment: `${sluice.group}-only`,
      queue_position: null,
      eta_ms: null,
      usage: { input_tokens: seconds, output_tokens: seconds, total_tokens: seconds, estimated: false },
      timings: { queued_ms: seconds, delayed_ms: 0, upstream_ms: seconds, total_ms: seconds },
    });
    const [one, two] = [await jobs.result(body['id']), await jobs.result(body['id'])];
    expect(one.status).toBe(200);
    expect(one.body).toMatchObject({ id: `chatcmpl-${body['id'].slice(4)}`, object: 'chat.completion' });
    expect(two.body).toEqual(one.body);
  });

  it('waits for its end as long as its submitter prefers to', async () => {
    const waited = await jobs.submit({}, {}, { prefer: 'wait=20' });
    expect([waited.status, waited.headers.get('preference-applied')]).toEqual([200, 'wait=20']);
    expect(waited.body['status']).toBe('completed');
    sluice.simulator.setProfile('only', { latency: { p50: 400 } });
    const impatient = await jobs.submit({}, {}, { prefer: 'wait=0.05' });
    expect([impatient.status, impatient.headers.get('preference-applied')]).toEqual([202, 'wait=0.05']);
    const async = await jobs.submit({}, {}, { prefer: 'respond-async, wait=20' });
    expect([async.status, async.headers.get('preference-applied')]).toEqual([202, 'respond-async']);
  });
});
