import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { chatLine, type ResultLine } from '../support/batch-lines.js';
import { MASTER_KEY } from '../support/sluice.js';
import { startStoringSluice, type StoringSluice } from '../support/storing-sluice.js';
import { buildSluice, SluiceProcess, temporaryFolder } from '../support/sluice-process.js';

let sluice: StoringSluice;
const cwd = temporaryFolder();

beforeAll(async () => {
  buildSluice();
  sluice = await startStoringSluice([{ profile: 'only' }]);
}, 60_000);
afterAll(() => sluice.stop());

async function batchRun(lines: readonly unknown[], ...args: string[]) {
  writeFileSync(
    join(cwd, 'calls.jsonl'),
    lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'),
  );
  const env = { SLUICE_URL: sluice.url, SLUICE_API_KEY: MASTER_KEY };
  const command = SluiceProcess.run(['batch', 'run', 'calls.jsonl', ...args], { cwd, env });
  const status = await command.end();
  return { status, out: command.stdout, err: command.stderr };
}
const written = (name: string): ResultLine[] =>
  readFileSync(join(cwd, name), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as ResultLine);

describe('sluice batch run', () => {
  it('writes the answers beside the file, and leaves with 0', async () => {
    const { status, out, err } = await batchRun([chatLine('a', sluice.group), chatLine('b', sluice.group)]);
    expect({ status, err }).toMatchObject({ status: 0 });
    expect(err).toMatch(/^batch_\w+ submitted\n/);
    expect(out).toMatch(/^batch_\w+ completed: 2 of 2 answered, 0 failed. Written: calls.output.jsonl.\n$/);
    expect(written('calls.output.jsonl').map(({ custom_id: id }) => id)).toEqual(['a', 'b']);
  });

  it('takes bodies alone, gives them a model, and tells which failed with 1', async () => {
    const body = { messages: [{ role: 'user', content: 'hi' }] };
    const run = await batchRun([body, { messages: [] }], '--model', sluice.group, '--out', 'answers.jsonl');
    expect(run.status).toBe(1);
    expect(run.out).toContain('1 of 2 answered, 1 failed. Written: answers.jsonl, answers.errors.jsonl.\n  line-2: ');
    expect(written('answers.jsonl').map(({ custom_id: id }) => id)).toEqual(['line-1']);
    expect(written('answers.errors.jsonl').map(({ custom_id: id }) => id)).toEqual(['line-2']);
  });

  it('writes to standard output, and says what is wrong with a file', async () => {
    const good = await batchRun([chatLine('a', sluice.group)], '--out', '-');
    expect((JSON.parse(good.out) as ResultLine).custom_id).toBe('a');
    const bad = await batchRun(['{"custom_id":'], '--json');
    expect(bad.status).toBe(1);
    expect(JSON.parse(bad.out)).toMatchObject({ status: 'failed', errors: { data: [{ line: 1 }] } });
  });

  it('reads standard input, and writes the answers to standard output', async () => {
    const command = SluiceProcess.run(['batch', 'run', '-'], {
      cwd,
      env: { SLUICE_URL: sluice.url, SLUICE_API_KEY: MASTER_KEY },
      stdin: ['a', 'b'].map((id) => chatLine(id, sluice.group)).join('\n'),
    });
    expect(await command.end()).toBe(0);
    const answers = command.stdout.trimEnd().split('\n');
    expect(answers.map((line) => (JSON.parse(line) as ResultLine).custom_id)).toEqual(['a', 'b']);
  });

  it('leaves with 2 when nobody answers, and with 1 when there is no such file', async () => {
    expect(await batchRun(['{}'], '--url', 'http://127.0.0.1:1')).toMatchObject({
      status: 2,
      err: expect.stringMatching(/No Sluice answers/),
    });
    const env = { SLUICE_URL: sluice.url };
    const command = SluiceProcess.run(['batch', 'run', 'missing.jsonl'], { cwd, env });
    expect(await command.end()).toBe(1);
    expect(command.stderr).toContain('There is no file missing.jsonl.');
  });

  it('asks for nothing when the answers could not be written', async () => {
    const before = sluice.simulator.requests().length;
    const run = await batchRun([chatLine('a', sluice.group)], '--out', 'missing/answers.jsonl');
    expect(run).toMatchObject({ status: 1, out: '', err: expect.stringContaining('cannot be written') });
    expect(sluice.simulator.requests()).toHaveLength(before);
  });

  it('steers no terminal with what a file holds', async () => {
    const run = await batchRun([chatLine('\u001b[31mred', sluice.group, { messages: [] })]);
    expect(run.out).toContain('[31mred: ');
    expect(run.out).not.toContain('\u001b');
  });
});
