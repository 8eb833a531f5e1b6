import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { eventually } from '../eventually.js';
import { Cluster } from '../support/cluster.js';
import { nativeJobs } from '../support/native-jobs.js';

const SECRET = `whsec_${Buffer.alloc(32, 5).toString('base64')}`;
const JOBS = 40;
/** Early ones, so that their second tries, five seconds later, are taken. */
const REFUSED = 8;
const YAML = 'sluice: {webhooks: {allow_http: true, allow_networks: [127.0.0.0/8]}}';
const TEN_MINUTES_MS = 600_000;
const shifted: NodeJS.ProcessEnv = {
  NODE_OPTIONS: `--import ${pathToFileURL(join(import.meta.dirname, '../support/shifted-clock.mjs')).href}`,
  SHIFT_CLOCK_MS: String(TEN_MINUTES_MS),
};

/** The receiver refuses the first ones, the workers are killed in the middle: each callback comes, and always under its own id (F26). */
describe('callbacks of jobs whose workers are killed', () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await new Cluster().start([{ profile: 'only' }], YAML);
  });
  afterAll(() => cluster?.stop());

  it('all come, each under one id and signed with Redis time, without PostgreSQL (F26, F29)', async () => {
    const { simulator } = cluster;
    simulator.setProfile('hooks', { rules: [{ do: { status: 503, body: '{}' }, times: REFUSED }] });
    const api = await cluster.api();
    const jobs = nativeJobs({ url: api.origin, group: cluster.group });
    const webhook = { url: `${simulator.origin}/@hooks/hook/jobs`, secret: SECRET };
    const refused = await jobs.send('POST', '/v1/webhook_endpoints', { url: webhook.url });
    expect([refused.status, refused.body['error'].code]).toEqual([503, 'storage_unavailable']);
    let worker = await cluster.worker(shifted); // its own clock is ten minutes ahead
    const ids = new Set<string>();
    for (let i = 0; i < JOBS; i++) {
      const { status, body } = await jobs.submit({ webhook });
      expect(status).toBe(202);
      ids.add(body['id']);
      if (i === JOBS / 2) {
        await worker.end('SIGKILL');
        worker = await cluster.worker(shifted);
      }
    }
    const idsThat = (wanted: (status: number | null) => boolean): Set<string> => {
      const records = simulator.requests({ profile: 'hooks' }).filter(({ status }) => wanted(status));
      return new Set(records.map(({ body }) => (JSON.parse(String(body)) as { data: { id: string } }).data.id));
    };
    await eventually(() => idsThat(() => true).size >= JOBS / 2, { withinMs: 60_000, what: 'first tries' });
    await worker.end('SIGKILL');
    await cluster.worker(shifted);
    await eventually(() => idsThat((status) => status === 200).size === ids.size, {
      withinMs: 90_000,
      what: 'every callback to be taken',
    });

    const nowS = Date.now() / 1_000;
    for (const { headers, body } of simulator.requests({ profile: 'hooks' })) {
      const event = JSON.parse(String(body)) as { id: string; type: string; data: { id: string } };
      expect(event.id).toBe(`evt_${event.data.id.slice(4)}`);
      expect(headers!['webhook-id']).toBe(event.id);
      expect(event.type).toBe('job.completed');
      expect(Math.abs(Number(headers!['webhook-timestamp']) - nowS)).toBeLessThan(240); // of which the test took most
      expect(new Webhook(SECRET).verify(String(body), headers as Record<string, string>)).toBeDefined();
    }
  }, 180_000);
});
