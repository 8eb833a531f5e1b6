import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { buildSluice, SluiceProcess, temporaryFolder } from '../support/sluice-process.js';

// The example of the design (LITELLM.md 10), as it stands there.
const EXAMPLE = `model_list:
  - model_name: gpt-4o
    litellm_params: {model: azure/gpt-4o, api_base: os.environ/AZURE_WEST_BASE, api_key: os.environ/AZURE_WEST_KEY, api_version: "2024-08-01-preview", rpm: 600}
    model_info: {id: azure-west}
  - model_name: gpt-4o
    litellm_params: {model: azure/gpt-4o, api_base: os.environ/AZURE_EAST_BASE, api_key: os.environ/AZURE_EAST_KEY, api_version: "2024-08-01-preview"}
    model_info: {id: azure-east}
  - model_name: gpt-4o
    litellm_params: {model: gpt-4o, api_key: os.environ/OPENAI_API_KEY}
    model_info: {id: openai-direct}
  - model_name: gpt-4o
    litellm_params: {model: anthropic/claude-sonnet-4-5, api_key: os.environ/ANTHROPIC_API_KEY, order: 2}
    model_info: {id: claude-backup}
litellm_settings:
  num_retries: 3          # shadowed by router_settings
  retry_after: 5          # shadowed
  request_timeout: 120
  stream: true            # no effect
  fallbacks: [{gpt-4o: [gpt-4o]}]
  cache: true
  cache_params: {type: redis, ttl: 3600}
  success_callback: [langfuse, prometheus]
  failure_callback: [langfuse, slack]
  langfuse_public_key: os.environ/LANGFUSE_PUBLIC_KEY
  langfuse_secret_key: os.environ/LANGFUSE_SECRET_KEY
  max_budget: 100
  budget_duration: monthly
  guardrails: [{guardrail_name: content-filter, litellm_params: {guardrail: openai_moderation, mode: pre_call}}]
router_settings:
  routing_strategy: least-busy
  enable_pre_call_checks: true
  cooldown_time: 60
  num_retries: 2
  retry_after: 5
  allowed_fails: 3
  model_group_alias:
    gpt-4o-split: [{model: azure/gpt-4o, weight: 0.7}, {model: openai/gpt-4o, weight: 0.3}]
general_settings:
  master_key: os.environ/LITELLM_MASTER_KEY
  database_url: os.environ/DATABASE_URL
`;
const NOWHERE = 'http://127.0.0.1:9';
const ENV = {
  AZURE_WEST_BASE: NOWHERE,
  AZURE_WEST_KEY: 'hush-west',
  AZURE_EAST_BASE: NOWHERE,
  AZURE_EAST_KEY: 'hush-east',
  OPENAI_API_KEY: 'hush-openai',
  ANTHROPIC_API_KEY: 'hush-anthropic',
  LANGFUSE_PUBLIC_KEY: 'hush-public',
  LANGFUSE_SECRET_KEY: 'hush-langfuse',
  LITELLM_MASTER_KEY: 'sk-hush',
  DATABASE_URL: 'postgres://hush',
};
const BLOCKING = ['max_budget', 'budget_duration', 'guardrails'].map((key) => `litellm_settings.${key}`);

interface Row {
  line: number;
  path: string;
  reason: string;
}
type Told = Record<'applied' | 'noEffect' | 'unsupported' | 'errors', Row[]>;

let cwd: string;
let running: SluiceProcess[];

beforeAll(() => buildSluice(), 60_000);
beforeEach(() => {
  cwd = temporaryFolder();
  running = [];
  writeFileSync(join(cwd, 'example.yaml'), EXAMPLE);
});
afterEach(async () => {
  await Promise.all(running.map((sluice) => sluice.end('SIGKILL')));
});

function run(args: string[]): SluiceProcess {
  const sluice = SluiceProcess.run(args, { cwd, env: ENV });
  running.push(sluice);
  return sluice;
}

/** The keys as an eye finds them in the file: the line, and the name before a colon. */
function keysByLine(): string[] {
  return EXAMPLE.split('\n').flatMap((text, i) => {
    const bare = text.replace(/ #.*/, '').replaceAll(/"[^"]*"/g, '""');
    return [...bare.matchAll(/(?<=^|[\s{[])([\w-]+):(?= |$)/g)].map(([, key]) => `${i + 1} ${key}`);
  });
}

const lastOf = (path: string): string => /([^.\]]+)$/.exec(path)?.[1] ?? path;

describe('the example configuration of LiteLLM users (L1)', () => {
  it('is refused without --allow-unsupported, and each setting that would not be kept is named with its line', async () => {
    const sluice = run(['start', '--config', 'example.yaml', '--port', '0']);
    expect(await sluice.end()).toBe(1);
    const lines = sluice.stderr.trim().split('\n');
    expect(lines.slice(0, -1).map((line) => /example\.yaml:\d+ (\S+):/.exec(line)?.[1])).toEqual(BLOCKING);
    for (const line of lines.slice(0, -1)) {
      const [, number, path] = /example\.yaml:(\d+) (\S+):/.exec(line)!;
      expect(EXAMPLE.split('\n')[Number(number) - 1]).toContain(`${lastOf(path!)}:`);
    }
    expect(lines.at(-1)).toContain('start with --allow-unsupported');
    expect(sluice.stderr).not.toContain('hush');
  });

  it('starts with it, says what is not kept, and serves its models', async () => {
    const sluice = await run(['start', '--config', 'example.yaml', '--port', '0', '--allow-unsupported']).untilUp();
    const headers = { authorization: `Bearer ${ENV.LITELLM_MASTER_KEY}` };
    const models = (await (await fetch(`${sluice.origin}/v1/models`, { headers })).json()) as {
      data: { id: string }[];
    };
    expect(models.data.map(({ id }) => id).toSorted()).toEqual(['gpt-4o', 'gpt-4o-split']);
    const health = await (await fetch(`${sluice.origin}/health`, { headers })).text();
    for (const id of ['azure-west', 'azure-east', 'openai-direct', 'claude-backup']) expect(health).toContain(id);
    expect((await fetch(`${sluice.origin}/v1/models`)).status).toBe(401);
    for (const path of BLOCKING) expect(sluice.stdout).toContain(path);
    expect(sluice.stdout + sluice.stderr).not.toContain('hush');
    expect(await sluice.end('SIGTERM')).toBe(0);
  });

  it('has each of its keys applied, or explained', async () => {
    const check = run(['config', 'check', 'example.yaml', '--json']);
    expect(await check.end()).toBe(1);
    const told = JSON.parse(check.stdout) as Told;
    expect(told.errors).toEqual([]);
    const all = [...told.applied, ...told.noEffect, ...told.unsupported];
    expect(all.map(({ line, path }) => `${line} ${lastOf(path)}`).toSorted()).toEqual(keysByLine().toSorted());
    expect([...told.noEffect, ...told.unsupported].filter(({ reason }) => reason === '')).toEqual([]);
  });
});
