import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import OpenAI from 'openai';
import { createSimulator, type Simulator } from '../../apps/simulator/src/create-simulator.js';
import { eventually } from '../eventually.js';
import { chatLine, linesOf, startBatch, untilOver } from '../support/batch-lines.js';
import { sizeOf } from '../support/full-size.js';
import { Watch } from '../support/history/watch.js';
import { killFamily } from '../support/process-family.js';
import { buildSluice, SluiceProcess, temporaryFolder } from '../support/sluice-process.js';
import { configFor, MASTER_KEY } from '../support/sluice.js';

const LINES = sizeOf(1_000, 50_000);
const KILLS = sizeOf(1, 3);

/** `sluice start` with the Redis and the PostgreSQL that it runs itself, all in one folder. */
describe('F1: kill -9 of every process while a batch runs', () => {
  let simulator: Simulator;
  let sluice: SluiceProcess | undefined;
  let watch: Watch;
  const cwd = temporaryFolder();
  const start = async (): Promise<OpenAI> => {
    const env = { SLUICE_HOST: '127.0.0.1', LOG_LEVEL: 'warn' };
    sluice = SluiceProcess.run(['start', '--port', '0'], { cwd, env });
    await sluice.untilSaid(/answers at/, 60_000); // Redis reads 50,000 records first
    return new OpenAI({ apiKey: MASTER_KEY, baseURL: `${sluice.origin}/v1`, maxRetries: 5 });
  };

  beforeAll(async () => {
    buildSluice();
    simulator = await createSimulator({ port: 0 });
    simulator.setProfile('only', { latency: { p50: 20 } });
    writeFileSync(join(cwd, 'config.yaml'), configFor(simulator.origin, 'gpt-4o', [{ profile: 'only' }]));
  });
  beforeEach(() => {
    const origin = (): string => sluice?.origin ?? '';
    watch = new Watch({ simulator, isOurs: (to) => to === origin(), openDoor: () => Promise.resolve(origin()) });
  });
  afterEach(async () => {
    try {
      await watch.check();
    } finally {
      watch.stop();
      await sluice?.end('SIGTERM');
    }
  });
  afterAll(() => simulator.stop());

  it('leaves each line once in the output, in its place', async () => {
    const ids = Array.from({ length: LINES }, (_, i) => `line-${i}`);
    let openai = await start();
    const { id } = await startBatch(
      openai,
      ids.map((custom) => chatLine(custom, 'gpt-4o')),
    );
    for (let kill = 0; kill < KILLS; kill++) {
      const moment = Math.floor((LINES * (kill + 0.1 + 0.8 * Math.random())) / KILLS);
      const isThere = async (): Promise<boolean> => {
        const { status, request_counts: counts } = await openai.batches.retrieve(id);
        return status === 'completed' || counts!.completed >= moment;
      };
      await eventually(isThere, { withinMs: 120_000, what: `${moment} lines to be done` });
      killFamily(sluice!.pid);
      await sluice!.end();
      openai = await start();
    }
    const over = await untilOver(openai, id, 240_000);
    expect(over).toMatchObject({ status: 'completed', request_counts: { total: LINES, completed: LINES, failed: 0 } });
    const output = await linesOf(openai, over.output_file_id);
    expect(output.map(({ custom_id: custom }) => custom)).toEqual(ids);
  }, 700_000);

  it('ends a batch that was being cancelled, with each line once in one of its files', async () => {
    const ids = Array.from({ length: LINES }, (_, i) => `line-${i}`);
    simulator.setProfile('only', { latency: { p50: 300 } });
    let openai = await start();
    const { id } = await startBatch(
      openai,
      ids.map((custom) => chatLine(custom, 'gpt-4o')),
    );
    const hasBegun = async (): Promise<boolean> => (await openai.batches.retrieve(id)).request_counts!.completed > 0;
    await eventually(hasBegun, { withinMs: 60_000, what: 'the first line to be done' });
    await openai.batches.cancel(id);
    for (let kill = 0; kill < KILLS; kill++) {
      killFamily(sluice!.pid);
      await sluice!.end();
      openai = await start();
    }
    const over = await untilOver(openai, id, 120_000);
    const { completed, failed } = over.request_counts!;
    expect([over.status, completed + failed]).toEqual(['cancelled', LINES]);
    const [output, errors] = [await linesOf(openai, over.output_file_id), await linesOf(openai, over.error_file_id)];
    expect([output.length, errors.length]).toEqual([completed, failed]);
    expect([...output, ...errors].map(({ custom_id: custom }) => custom).toSorted()).toEqual(ids.toSorted());
  }, 400_000);
});
