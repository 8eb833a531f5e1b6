import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { pythonWithOpenAi } from '../sdk-python/install.js';
import { MASTER_KEY, startSluice, type SluiceUnderTest } from '../support/sluice.js';

const FOLDER = join(import.meta.dirname, '..', 'sdk-python');
const NAMES = [...readFileSync(join(FOLDER, 'test_openai.py'), 'utf8').matchAll(/def test_(\w+)/g)].map(
  ([, name]) => name!,
);

/** The tests stand in test/sdk-python/test_openai.py; they run once, all together, and each is told here. */
describe('openai-python', () => {
  let sluice: SluiceUnderTest;
  let output = '';

  beforeAll(async () => {
    const python = pythonWithOpenAi();
    sluice = await startSluice([{ profile: 'only' }], {
      yaml: 'litellm_settings: {num_retries: 0, allowed_fails: 100}\nrouter_settings: {model_group_alias: {"openai/gpt-4o": GROUP}}',
      times: { earlyHeadMs: 100, heartbeatMs: 50 },
    });
    output = await runTests(python);
  }, 240_000);
  afterAll(() => sluice?.stop());

  it('has tests', () => {
    expect(NAMES.length).toBeGreaterThan(10);
  });

  it.each(NAMES)('%s', (name) => {
    const line = new RegExp(
      String.raw`^test_${name} (?:(?!^test_)[\s\S])*?[.]{3} (?:(?!^test_)[\s\S])*?(ok|ERROR|FAIL)$`,
      'm',
    );
    const verdict = line.exec(output)?.[1] ?? 'did not run';
    const because = new RegExp(
      String.raw`^(?:ERROR|FAIL): test_${name} [\s\S]*?(?=^={20}|^-{20,}\nRan|$(?![\s\S]))`,
      'm',
    );
    expect(verdict === 'ok' ? 'ok' : `${verdict}\n${because.exec(output)?.[0] ?? output}`).toBe('ok');
  });

  function runTests(python: string): Promise<string> {
    const { PATH, HOME } = process.env;
    const env = {
      PATH,
      HOME,
      PYTHONDONTWRITEBYTECODE: '1',
      PYTHONIOENCODING: 'utf-8',
      SLUICE_URL: sluice.url,
      SLUICE_KEY: MASTER_KEY,
      SLUICE_MODEL: sluice.group,
      SIMULATOR_URL: sluice.simulator.origin,
    };
    const child = spawn(python, ['-m', 'unittest', '-v', 'test_openai'], { cwd: FOLDER, env, timeout: 60_000 });
    let text = '';
    child.stdout.on('data', (data: Buffer) => (text += data.toString()));
    child.stderr.on('data', (data: Buffer) => (text += data.toString()));
    return new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', () => resolve(text));
    });
  }
});
