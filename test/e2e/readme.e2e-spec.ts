import { execFile } from 'node:child_process';
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { blockOf, examplesOf, missingFrom } from '../support/guide-examples.js';
import { buildSluice, SluiceProcess, temporaryFolder } from '../support/sluice-process.js';

const ROOT = join(import.meta.dirname, '..', '..');
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');
const MIGRATING = readFileSync(join(ROOT, 'docs', 'migrating-from-litellm.md'), 'utf8');
const run = promisify(execFile);

/** As in a clone: `bin/` and the packages are there, and the document's own configuration. */
function clone(markdown: string): string {
  const cwd = temporaryFolder();
  for (const name of ['bin', 'node_modules']) symlinkSync(join(ROOT, name), join(cwd, name));
  writeFileSync(join(cwd, 'config.yaml'), blockOf(markdown, 'yaml'));
  return cwd;
}

/** What a shell prints, whatever its status: some examples show a failure. The Node of this test comes first on its PATH. */
async function shell(script: string, cwd: string): Promise<string> {
  const env = { PATH: `${dirname(process.execPath)}:${process.env['PATH']}`, HOME: process.env['HOME'] };
  const { stdout } = await run('sh', ['-c', `${script}\ntrue`], { cwd, env });
  return stdout;
}

describe('README.md', () => {
  let demonstration: SluiceProcess;
  let cwd: string;
  let asRunHere: (text: string) => string;

  beforeAll(async () => {
    buildSluice();
    demonstration = await SluiceProcess.run(['start', '--port', '0'], { cwd: temporaryFolder() }).untilUp();
    const simulator = /PUT (\S+)\/_sim\//.exec(demonstration.stdout)![1]!;
    asRunHere = (text) =>
      text.replaceAll('http://localhost:4000', demonstration.origin).replaceAll('http://127.0.0.1:4001', simulator);
    cwd = clone(README);
  }, 60_000);
  afterAll(() => demonstration?.end('SIGTERM'));

  it('prints shell examples that run, and what they print', async () => {
    const examples = examplesOf(README);
    expect(examples.length).toBeGreaterThanOrEqual(6);
    for (const { script, printed } of examples) {
      expect(printed).not.toBe('');
      const output = await shell(asRunHere(script), cwd);
      expect({ script, output, missing: missingFrom(output, printed) }).toMatchObject({ missing: [] });
    }
  }, 60_000);

  it('prints a TypeScript example that runs', async () => {
    writeFileSync(join(cwd, 'example.mts'), asRunHere(blockOf(README, 'ts')));
    const { stdout } = await run(process.execPath, ['example.mts'], { cwd, env: { PATH: process.env['PATH'] } });
    expect(stdout).toMatch(/\w+ \w+/);
  }, 30_000);

  it('prints a configuration that starts', async () => {
    const env = { AZURE_API_BASE: 'http://127.0.0.1:9', AZURE_API_KEY: 'x', OPENAI_API_KEY: 'x' };
    const args = ['start', '--config', 'config.yaml', '--port', '0'];
    const configured = SluiceProcess.run(args, { cwd, env: { ...env, LITELLM_MASTER_KEY: 'sk-choose-one' } });
    await configured.untilUp();
    expect(configured.stdout).toContain('Model groups: gpt-4o');
    expect(await configured.end('SIGTERM')).toBe(0);
  }, 30_000);
});

describe('docs/migrating-from-litellm.md', () => {
  it('prints the report that its configuration gets', async () => {
    const cwd = clone(MIGRATING);
    const examples = examplesOf(MIGRATING);
    expect(examples.length).toBeGreaterThanOrEqual(1);
    for (const { script, printed } of examples) {
      const output = await shell(script, cwd);
      expect({ script, output, missing: missingFrom(output, printed) }).toMatchObject({ missing: [] });
    }
  }, 30_000);
});
