import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { chatLine, linesOf, startBatch, untilOver } from '../support/batch-lines.js';
import { freshDatabase, type FreshDatabase } from '../support/own-postgres.js';
import { startSluice, type SluiceUnderTest } from '../support/sluice.js';
import { temporaryFolder } from '../support/sluice-process.js';

let store: FreshDatabase;
let sluice: SluiceUnderTest;

beforeAll(async () => {
  store = await freshDatabase();
  sluice = await startSluice([{ profile: 'only' }], {
    env: { DATABASE_URL: store.url, SLUICE_DATA_DIR: temporaryFolder() },
  });
});
afterAll(async () => {
  await sluice.stop();
  await store.drop();
});

describe('a batch', () => {
  it('runs its lines and writes their answers in the order of the input', async () => {
    const { openai, group } = sluice;
    const ids = Array.from({ length: 30 }, (_, i) => `line-${i}`);
    const lines = ids.map((id) => chatLine(id, group));
    const batch = await startBatch(openai, lines, { metadata: { team: 'blue' } });
    expect(batch).toMatchObject({ object: 'batch', status: 'validating', metadata: { team: 'blue' } });
    const over = await untilOver(openai, batch.id);
    expect(over).toMatchObject({ status: 'completed', request_counts: { total: 30, completed: 30, failed: 0 } });
    expect(over.error_file_id).toBeNull();
    const output = await linesOf(openai, over.output_file_id);
    expect(output.map(({ custom_id: id }) => id)).toEqual(ids);
    expect(output[0]).toMatchObject({
      response: { status_code: 200, body: { object: 'chat.completion' } },
      error: null,
    });
  });
});
