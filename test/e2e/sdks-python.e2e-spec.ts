import { describe } from '@jest/globals';
import { tellPythonTests } from '../sdk-python/tell-tests.js';
import { startStoringSluice } from '../support/storing-sluice.js';

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
