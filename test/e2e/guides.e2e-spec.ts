import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { blockOf, examplesOf, missingFrom, runnableBlocks } from '../support/guide-examples.js';
import { buildSluice, SluiceProcess, temporaryFolder } from '../support/sluice-process.js';

const ROOT = join(import.meta.dirname, '..', '..');
const run = promisify(execFile);
const read = (document: string): string => readFileSync(join(ROOT, document), 'utf8');
const README = read('README.md');
const MIGRATING = read('docs/migrating-from-litellm.md');

const DOCUMENTS = [
  'README.md',
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
];
/** With examples that want what the others have not: played below, in simulator-guide, webhook-guide and sdks-python. */
const ELSEWHERE = ['README.md ts', 'README.md python', 'docs/webhooks.md js'];
const ON_THEIR_OWN = ['README.md', 'docs/migrating-from-litellm.md', 'docs/simulator.md'];

/** As in a clone: `bin/` and the packages are there, and the document's own configuration. */
function clone(markdown?: string): string {
  const cwd = temporaryFolder();
  for (const name of ['bin', 'node_modules']) symlinkSync(join(ROOT, name), join(cwd, name));
  if (markdown !== undefined) writeFileSync(join(cwd, 'config.yaml'), blockOf(markdown, 'yaml'));
  return cwd;
}

/** What a shell prints, whatever its status: some examples show a failure. The Node of this test comes first on its PATH. */
async function shell(script: string, cwd: string, more: NodeJS.ProcessEnv = {}): Promise<string> {
  const env = { PATH: `${dirname(process.execPath)}:${process.env['PATH']}`, HOME: process.env['HOME'], ...more };
  const { stdout } = await run('sh', ['-c', `${script}\ntrue`], { cwd, env });
  return stdout;
}

interface Broken {
  script: string;
  output: string;
  missing: string[];
}

/** Examples that do not print what the document says; one after the other, since later ones build on earlier ones. */
async function brokenIn(
  markdown: string,
  cwd: string,
  asHere = (text: string) => text,
  env: NodeJS.ProcessEnv = {},
): Promise<Broken[]> {
  const broken: Broken[] = [];
  for (const { script, printed } of examplesOf(markdown)) {
    const output = await shell(asHere(script), cwd, env);
    const missing = printed === '' ? ['the block that shows what it prints'] : missingFrom(output, printed);
    if (missing.length > 0) broken.push({ script, output, missing });
  }
  return broken;
}

const demonstrated = {} as { process: SluiceProcess; simulator: string };
const asRunHere = (text: string): string =>
  text
    .replaceAll('http://localhost:4000', demonstrated.process.origin)
    .replaceAll('http://127.0.0.1:4001', demonstrated.simulator);

beforeAll(async () => {
  buildSluice();
  demonstrated.process = await SluiceProcess.run(['start', '--port', '0'], { cwd: temporaryFolder() }).untilUp();
  demonstrated.simulator = /PUT (\S+)\/_sim\//.exec(demonstrated.process.stdout)![1]!;
}, 60_000);
afterAll(() => demonstrated.process?.end('SIGTERM'));

describe('the documents', () => {
  const some = DOCUMENTS.filter((document) => runnableBlocks(read(document)).length > 0);
  it.each(some)('%s says of each example that it runs, or why not', (document) => {
    const blocks = runnableBlocks(read(document));
    expect(blocks.filter(({ how }) => !/^(?:run|not run: \S.+)$/.test(how))).toEqual([]);
    const others = blocks.filter(({ language, how }) => language !== 'sh' && how === 'run');
    for (const { language } of others) expect(ELSEWHERE).toContain(`${document} ${language}`);
  });
});

describe('README.md', () => {
  const cwd = clone(README);

  it('prints shell examples that run, and what they print', async () => {
    expect(examplesOf(README).length).toBeGreaterThanOrEqual(6);
    expect(await brokenIn(README, cwd, asRunHere)).toEqual([]);
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
    expect(await brokenIn(MIGRATING, clone(MIGRATING))).toEqual([]);
  }, 30_000);
});

/** With the demonstration's key; `sluice` is what command-line.md says how to name so. */
describe('the guides', () => {
  const cwd = clone();
  const guides = DOCUMENTS.filter(
    (document) => !ON_THEIR_OWN.includes(document) && examplesOf(read(document)).length > 0,
  );

  beforeAll(async () => {
    const all = ['azure-west', 'azure-east', 'openai-direct', 'claude-backup'];
    const scripts = ['script', ...all.map((name) => `profiles/${name}`)];
    for (const path of scripts) await fetch(`${demonstrated.simulator}/_sim/${path}`, { method: 'PUT', body: '{}' });
    for (const name of all) await fetch(`${demonstrated.process.origin}/v1/deployments/${name}/reset`, { method: 'POST', headers: { authorization: 'Bearer sk-sluice-demo' } }); // prettier-ignore
    mkdirSync(join(cwd, 'path'));
    writeFileSync(join(cwd, 'path/sluice'), '#!/bin/sh\nexec node bin/sluice.mjs "$@"\n', { mode: 0o755 });
  });

  it('print examples', () => expect(guides.length).toBeGreaterThanOrEqual(7));

  it.each(guides)(
    '%s prints examples that run, and what they print',
    async (document) => {
      const env = {
        PATH: `${join(cwd, 'path')}:${dirname(process.execPath)}:${process.env['PATH']}`,
        KEY: 'sk-sluice-demo',
        SLUICE_URL: demonstrated.process.origin,
        SLUICE_API_KEY: 'sk-sluice-demo',
      };
      expect(await brokenIn(read(document), cwd, asRunHere, env)).toEqual([]);
    },
    30_000,
  );
});
