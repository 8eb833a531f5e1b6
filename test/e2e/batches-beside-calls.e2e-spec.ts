import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { INestApplicationContext } from '@nestjs/common';
import { openRedis } from '@sluice/state';
import { createWorker } from '../../apps/worker/src/create-worker.js';
import { eventually } from '../eventually.js';
import { chatLine, startBatch, untilOver } from '../support/batch-lines.js';
import { startStoringSluice, type StoringSluice } from '../support/storing-sluice.js';

const LINES = 300;

let sluice: StoringSluice;
const workers: INestApplicationContext[] = [];

/** One process drives batches, another one runs calls and lines. */
beforeAll(async () => {
  sluice = await startStoringSluice([{ profile: 'only' }], { workers: 0 });
  for (const roles of [['inference'], ['batches', 'ledger']] as const) {
    const worker = await createWorker({ ...sluice.settings, workerRoles: roles }, sluice.redisUrl);
    await worker.init();
    workers.push(worker);
  }
}, 60_000);
afterAll(async () => {
  await Promise.all(workers.map((worker) => worker.close()));
  await sluice?.stop();
});

/** How many lines each step took of those that moved the cursor, in their order. */
async function watchCursor({ database }: StoringSluice): Promise<() => Promise<number[]>> {
  const steps = [
    'create table steps (nth serial, lines integer)',
    `create function note_step() returns trigger language plpgsql as
      'begin insert into steps (lines) values (new.cursor_line - old.cursor_line); return new; end'`,
    `create trigger note_step after update on sluice.batches for each row
      when (new.cursor_line > old.cursor_line) execute function note_step()`,
  ];
  for (const step of steps) await database.use((db) => db.execute(step));
  return async () => {
    const { rows } = await database.use((db) => db.execute<{ lines: number }>('select lines from steps order by nth'));
    return rows.map(({ lines }) => lines);
  };
}

describe('a batch whose driver runs no calls itself', () => {
  it('takes small steps while another process runs calls that somebody waits for', async () => {
    const { openai, group } = sluice;
    const redis = openRedis(sluice.redisUrl, { role: 'worker', onError: () => undefined });
    const isKnown = async (): Promise<boolean> => (await redis.hget(`{sluice:${group}}:pace`, 'called')) !== null;
    const stepsTaken = await watchCursor(sluice);
    let isOver = false;
    const calls = (async () => {
      while (!isOver) expect((await sluice.call({})).status).toBe(200);
    })();
    await eventually(isKnown, { withinMs: 8_000, what: 'the next beat' });
    redis.disconnect();

    const { id } = await startBatch(
      openai,
      Array.from({ length: LINES }, (_, i) => chatLine(`l${i}`, group)),
    );
    expect((await untilOver(openai, id, 30_000)).status).toBe('completed');
    isOver = true;
    await calls;
    const [first, ...steps] = await stepsTaken(); // whom its lines stand beside is known from the first of them on
    expect(first).toBeGreaterThan(16);
    expect(steps.slice(0, 8)).toEqual(Array.from({ length: 8 }, () => 16));
  }, 60_000);
});
