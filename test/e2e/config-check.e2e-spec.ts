import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { buildSluice, SluiceProcess, temporaryFolder } from '../support/sluice-process.js';

const MODEL = `model_list:
  - model_name: gpt-4o
    litellm_params: {model: openai/gpt-4o, api_key: os.environ/KEY_OF_MINE}
`;
const ENV = { KEY_OF_MINE: 'sk-secret' };

interface Row {
  line: number;
  path: string;
  type: string;
  reason: string;
}

describe('sluice config check', () => {
  let cwd: string;
  beforeAll(() => {
    buildSluice();
    cwd = temporaryFolder();
  }, 60_000);

  async function check(
    text: string,
    env: NodeJS.ProcessEnv = ENV,
    flags: string[] = [],
  ): Promise<{ status: unknown; said: string }> {
    writeFileSync(join(cwd, 'config.yaml'), text);
    const checked = SluiceProcess.run(['config', 'check', 'config.yaml', ...flags], { cwd, env });
    const status = await checked.end();
    return { status, said: checked.stdout + checked.stderr };
  }

  it('leaves with 0 for what would start', async () => {
    const { status, said } = await check(MODEL);
    expect(said).toMatch(/^Configuration: 5 settings applied, 0 without effect, 0 unsupported\.\n$/);
    expect(status).toBe(0);
  });

  it.each<[string, string, RegExp, NodeJS.ProcessEnv?]>([
    ['an error', 'router_settings: {num_retries: x}\n', /config\.yaml:4 router_settings\.num_retries: must be a whole/],
    [
      'a Python hook (L7)',
      'general_settings: {custom_auth: a.b}\n',
      /config\.yaml:4 general_settings\.custom_auth: a Py/,
    ],
    ['no key for anybody', '', /config\.yaml:2 model_list\[0\]\.model_name: no deployment of "gpt-4o"/, {}],
    [
      'an unset master key beside a Redis that others share',
      'general_settings: {master_key: os.environ/UNSET_KEY}\n',
      /config\.yaml:4 general_settings\.master_key: environment variable UNSET_KEY is not set/,
      { ...ENV, REDIS_URL: 'redis://127.0.0.1:1' },
    ],
  ])('leaves with 1 for what cannot run, and names the line: %s', async (_, rest, expected, env = ENV) => {
    const { status, said } = await check(MODEL + rest, env);
    expect(said).toMatch(expected);
    expect(said).not.toContain('sk-secret');
    expect(status).toBe(1);
  });

  it('leaves with 2 for a file that cannot be read', async () => {
    const checked = SluiceProcess.run(['config', 'check', 'nowhere.yaml'], { cwd });
    expect(await checked.end()).toBe(2);
    expect(checked.stdout).toContain('the configuration nowhere.yaml does not exist');
  });

  it('gives programs each key in one of its lists, with line, path and type (L2, L6)', async () => {
    const rest = `router_settings: {retry_afer: 1, num_retries: 2}
litellm_settings: {num_retries: 1, cache: true, max_budget: 5}
general_settings: {master_key: os.environ/UNSET_KEY}
`;
    const { status, said } = await check(MODEL + rest, ENV, ['--json']);
    const report = JSON.parse(said) as Record<'applied' | 'noEffect' | 'errors', Row[]> & {
      unsupported: (Row & { blocking: boolean })[];
    };
    expect(status).toBe(1);
    expect(report.noEffect).toMatchObject([
      { line: 4, path: 'router_settings.retry_afer', type: 'number', reason: 'unknown key: did you mean retry_after?' },
      { line: 5, path: 'litellm_settings.num_retries', reason: 'router_settings.num_retries beats it' },
      {
        line: 6,
        path: 'general_settings.master_key',
        reason: expect.stringMatching(/UNSET_KEY is not set: .*a key is made/),
      },
    ]);
    expect(report.unsupported).toMatchObject([
      { line: 5, path: 'litellm_settings.cache', blocking: false },
      { line: 5, path: 'litellm_settings.max_budget', blocking: true },
    ]);
    expect(report.errors).toEqual([]);
    expect(report.applied.map(({ path }) => path)).toContain('router_settings.num_retries');
  });
});
