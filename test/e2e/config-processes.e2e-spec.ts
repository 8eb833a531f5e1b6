import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '../eventually.js';
import { callOnce, Cluster } from '../support/cluster.js';
import { configFor } from '../support/sluice.js';
import type { SluiceProcess } from '../support/sluice-process.js';

const WITHIN = { withinMs: 8_000 };
const INFO = { LOG_LEVEL: 'info' };

describe('processes of a cluster, each on its own file', () => {
  let cluster: Cluster;

  beforeEach(async () => {
    cluster = await new Cluster().start([{ profile: 'one' }]);
  }, 60_000);
  afterEach(() => cluster?.stop());

  const told = (process: SluiceProcess, event: string): Record<string, unknown>[] =>
    process.stderr
      .split('\n')
      .filter((line) => line.includes(`"event":"${event}"`))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  const untilTold = (process: SluiceProcess, event: string, times = 1): Promise<void> =>
    eventually(() => told(process, event).length >= times, { ...WITHIN, what: `${event} in ${process.stderr}` });
  const withSecond = (yaml = ''): string =>
    configFor(cluster.simulator.origin, 'gpt-4o', [{ profile: 'one' }, { profile: 'two', group: 'second' }], yaml);

  it('follow it, each by itself, and take SIGHUP for a reload', async () => {
    const [api, worker] = [await cluster.api(INFO), await cluster.worker(INFO)];
    cluster.configure(withSecond());
    for (const process of [api, worker]) await untilTold(process, 'config.reloaded');
    expect(told(worker, 'config.reloaded')).toMatchObject([
      { groupsAdded: ['gpt-4o-second'], groupsRemoved: [], atNextStart: [] },
    ]);
    await eventually(async () => (await callOnce(api.origin, 'a', { model: 'gpt-4o-second' })).kind === 'answer', {
      ...WITHIN,
      what: 'an answer of the second group',
    });
    // Nothing has changed: only the signal makes them read it again.
    for (const process of [api, worker]) {
      process.kill('SIGHUP');
      await untilTold(process, 'config.reloaded', 2);
    }
    expect(told(api, 'config.reloaded').map(({ hash }) => hash)).toEqual(
      told(worker, 'config.reloaded').map(({ hash }) => hash),
    );
    expect((await callOnce(api.origin, 'b')).kind).toBe('answer');
  }, 60_000);

  it('log why a file was rejected, without its secrets, and go on', async () => {
    const [api, worker] = [await cluster.api(INFO), await cluster.worker(INFO)];
    cluster.configure(withSecond('router_settings: {num_retries: many}'));
    for (const process of [api, worker]) {
      await untilTold(process, 'config.rejected');
      expect(told(process, 'config.rejected')[0]!['errors']).toEqual([
        expect.stringMatching(/^config\.yaml:\d+ router_settings\.num_retries: must be a whole number/),
      ]);
      expect(process.stderr).not.toMatch(/sk-(?:provider|test)/);
    }
    expect((await callOnce(api.origin, 'a')).kind).toBe('answer');
  }, 60_000);

  it('tell what only a restart takes', async () => {
    const api = await cluster.api(INFO);
    cluster.configure(withSecond('environment_variables: {SLUICE_DRAIN_MS: "1000", PORT: "1"}'));
    await untilTold(api, 'config.reloaded');
    expect(told(api, 'config.reloaded')).toMatchObject([{ atNextStart: ['SLUICE_DRAIN_MS'] }]); // --port beats PORT
  }, 60_000);

  it('let a worker of one group live when that group is gone, and serve it again when it is back', async () => {
    const api = await cluster.api(INFO);
    cluster.configure(withSecond());
    const worker = await cluster.worker(INFO, ['--groups', 'gpt-4o-second']);
    const second = (): Promise<string | undefined> =>
      callOnce(api.origin, 'a', { model: 'gpt-4o-second' }).then(({ kind, code }) => code ?? kind);
    await eventually(async () => (await second()) === 'answer', { ...WITHIN, what: 'an answer' });
    cluster.configure(configFor(cluster.simulator.origin, 'gpt-4o', [{ profile: 'one' }]));
    await untilTold(worker, 'group.drained');
    await eventually(async () => (await second()) === 'model_not_found', { ...WITHIN, what: 'the group to be gone' });
    expect((await callOnce(api.origin, 'b')).code).toBe('no_worker'); // it serves one group, and that is another
    cluster.configure(withSecond());
    await eventually(async () => (await second()) === 'answer', { ...WITHIN, what: 'an answer again' });
  }, 60_000);
});
