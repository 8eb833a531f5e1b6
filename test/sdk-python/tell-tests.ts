import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { MASTER_KEY, startSluice, type SluiceOptions, type SluiceUnderTest } from '../support/sluice.js';
import { pythonWithSdks } from './install.js';

/**
 * The tests of a Python file beside this one: they run once, all together, against a Sluice of their own, and each is told
 * here under its name. To be called in a `describe`.
 * @param file without its ending
 * @param start what they call, where one deployment `only` is not enough
 */
export function tellPythonTests(
  file: string,
  options: SluiceOptions,
  start: (options: SluiceOptions) => Promise<SluiceUnderTest> = (asked) => startSluice([{ profile: 'only' }], asked),
): void {
  const names = [...readFileSync(join(import.meta.dirname, `${file}.py`), 'utf8').matchAll(/def test_(\w+)/g)].map(
    ([, name]) => name!,
  );

  let sluice: SluiceUnderTest;
  let output = '';

  beforeAll(async () => {
    const python = pythonWithSdks();
    sluice = await start(options);
    output = await run(python, file, sluice);
  }, 240_000);
  afterAll(() => sluice?.stop());

  it('has tests', () => {
    expect(names.length).toBeGreaterThan(4);
  });

  it.each(names)('%s', (name) => {
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
}

function run(python: string, file: string, sluice: SluiceUnderTest): Promise<string> {
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
  const child = spawn(python, ['-m', 'unittest', '-v', file], { cwd: import.meta.dirname, env, timeout: 60_000 });
  let text = '';
  child.stdout.on('data', (data: Buffer) => (text += data.toString()));
  child.stderr.on('data', (data: Buffer) => (text += data.toString()));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => resolve(text));
  });
}
