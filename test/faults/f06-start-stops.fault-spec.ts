import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createSimulator, type Simulator } from '../../apps/simulator/src/create-simulator.js';
import { eventually } from '../eventually.js';
import { callOnce } from '../support/cluster.js';
import { Watch } from '../support/history/watch.js';
import { buildSluice, SluiceProcess, temporaryFolder } from '../support/sluice-process.js';
import { configFor } from '../support/sluice.js';

describe('SIGTERM to `sluice start` with a call that outlives the drain time', () => {
  let simulator: Simulator;
  beforeAll(async () => {
    buildSluice();
    simulator = await createSimulator({ port: 0 });
  });
  afterAll(() => simulator?.stop());

  it('ends it with a clear error in one drain time, hands its job back and leaves with 0; the next one runs it', async () => {
    const cwd = temporaryFolder();
    let sluice: SluiceProcess;
    const start = async (): Promise<string> => {
      sluice = await SluiceProcess.run(['start', '--port', '0'], { cwd, env }).untilUp();
      return sluice.origin;
    };
    const watch = new Watch({ simulator, isOurs: (origin) => origin === sluice.origin, openDoor: start });
    writeFileSync(join(cwd, 'config.yaml'), configFor(simulator.origin, 'gpt-4o', [{ profile: 'only' }]));
    simulator.setProfile('only', { latency: { p50: 30_000, p95: 30_001, p99: 30_002 } });
    const env = { SLUICE_HOST: '127.0.0.1', SLUICE_DRAIN_MS: '2000', LOG_LEVEL: 'debug' };
    const call = callOnce(await start(), 'long');
    await eventually(() => simulator.stats().inFlight === 1, { withinMs: 5_000, what: 'the call' });

    const toldAt = performance.now();
    expect(await sluice!.end('SIGTERM')).toBe(0);
    expect(performance.now() - toldAt).toBeLessThan(2_000 + 3_000);
    expect(await call).toMatchObject({ status: 503, code: 'shutting_down' });
    expect(sluice!.stderr).toMatch(/"event":"job.requeued".*"reason":"drain"/);

    simulator.setProfile('only', { answer: { tokens: 5 } });
    try {
      await watch.check();
    } finally {
      watch.stop();
      await sluice!.end('SIGTERM');
    }
  }, 60_000);
});
