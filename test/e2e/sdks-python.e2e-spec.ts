import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { pythonWithSdks } from '../sdk-python/install.js';
import { tellPythonTests } from '../sdk-python/tell-tests.js';
import { blockOf } from '../support/guide-examples.js';
import { startStoringSluice } from '../support/storing-sluice.js';
import { MASTER_KEY } from '../support/sluice.js';
import { withSluice } from '../support/with-sluice.js';

/** All that is in Python, in one file: two at a time would install what they need over each other. */

describe('openai-python', () => {
  tellPythonTests('test_openai', {
    yaml: 'litellm_settings: {num_retries: 0, allowed_fails: 100}\nrouter_settings: {model_group_alias: {"openai/gpt-4o": GROUP}}',
    times: { earlyHeadMs: 100, heartbeatMs: 50 },
  });
});

describe('openai-python, responses', () => {
  tellPythonTests('test_responses', {
    yaml: 'litellm_settings: {num_retries: 0, allowed_fails: 100}',
    times: { heartbeatMs: 50 },
  });
});

describe('openai-python, files and batches', () => {
  tellPythonTests('test_batches', { yaml: 'litellm_settings: {num_retries: 0, allowed_fails: 100}' }, (options) =>
    startStoringSluice([{ profile: 'only' }], options),
  );
});

describe('anthropic-sdk-python', () => {
  tellPythonTests('test_anthropic', { yaml: 'litellm_settings: {num_retries: 0, allowed_fails: 100}' }, (options) =>
    startStoringSluice(
      [{ profile: 'gpt' }, { profile: 'claude', model: 'anthropic/claude-sonnet-4-5', group: 'claude' }],
      options,
    ),
  );
});

describe('README.md', () => {
  it('prints a Python example that runs', async () => {
    const example = blockOf(readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8'), 'python');
    await withSluice(
      [{ profile: 'only' }],
      { scripts: { only: { answer: { text: 'Hello, you.' } } } },
      async (sluice) => {
        const here = example
          .replace('http://localhost:4000', sluice.url)
          .replace('sk-sluice-demo', MASTER_KEY)
          .replace('"gpt-4o"', `"${sluice.group}"`);
        const { stdout } = await promisify(execFile)(pythonWithSdks(), ['-c', here]);
        expect(stdout).toBe('Hello, you.');
      },
    );
  }, 240_000);
});
