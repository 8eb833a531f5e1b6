import { describe, expect, it } from '@jest/globals';
import { readConfig, type Config } from './read-config.js';
import type { Report } from './report.js';

const KEYS = { OPENAI_API_KEY: 'sk-openai', ANTHROPIC_API_KEY: 'sk-anthropic', AZURE_API_KEY: 'azure' };
const read = (text: string, env: Record<string, string> = KEYS): Config => readConfig({ env, cwd: '/nowhere', text });
const report = (text: string, env?: Record<string, string>): Report => read(text, env).report;

/** One model, so that the rest of a file can be looked at. */
const withModel = (rest: string): string =>
  `model_list: [{model_name: gpt-4o, litellm_params: {model: gpt-4o}}]\n${rest}`; // the rest begins on line 2

const listsOf = (all: Report): [list: string, line: number, path: string][] => [
  ...all.applied.map((row): [string, number, string] => ['applied', row.line, row.path]),
  ...all.noEffect.map((row): [string, number, string] => ['noEffect', row.line, row.path]),
  ...all.unsupported.map((row): [string, number, string] => [
    row.blocking ? 'blocking' : 'harmless',
    row.line,
    row.path,
  ]),
  ...all.errors.map((row): [string, number, string] => ['error', row.line, row.path]),
];
const listOf = (all: Report, path: string): string[] =>
  listsOf(all)
    .filter((row) => row[2] === path)
    .map((row) => row[0]);

// LITELLM.md 10, as it stands there.
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
const EXAMPLE_ENV = {
  AZURE_WEST_BASE: 'https://west.example/',
  AZURE_WEST_KEY: 'west',
  AZURE_EAST_BASE: 'https://east.example',
  AZURE_EAST_KEY: 'east',
  OPENAI_API_KEY: 'sk-openai',
  ANTHROPIC_API_KEY: 'sk-anthropic',
  LITELLM_MASTER_KEY: 'sk-master',
};

describe('the example of LITELLM.md 10 (L1)', () => {
  const { report: all, models, policy, masterKey } = read(EXAMPLE, EXAMPLE_ENV);

  it('is read without an error', () => {
    expect(all.errors).toEqual([]);
    expect(masterKey).toEqual({ kind: 'given', key: 'sk-master' });
    expect(models.groups.get('gpt-4o')?.deployments.map(({ id }) => id)).toEqual([
      'azure-west',
      'azure-east',
      'openai-direct',
      'claude-backup',
    ]);
    expect(policy).toMatchObject({
      strategy: { name: 'least-busy' },
      numRetries: 2,
      retryAfterMs: 5_000,
      timeoutMs: 120_000,
      cooldownMs: 60_000,
      allowedFails: 3,
    });
  });

  it('has each of its keys in exactly one list', () => {
    const paths = listsOf(all).map(([, line, path]) => `${line} ${path}`);
    expect(new Set(paths).size).toBe(paths.length);
    expect(paths).toHaveLength(69);
  });

  it('blocks for what is not enforced yet, and only tells the rest', () => {
    const heads = (list: string): string[] =>
      listsOf(all)
        .filter(([name, , path]) => name === list && /^[a-z_]+[.][a-z_]+$/.test(path))
        .map(([, , path]) => path);
    expect(heads('blocking')).toEqual([
      'litellm_settings.max_budget',
      'litellm_settings.budget_duration',
      'litellm_settings.guardrails',
    ]);
    expect(heads('harmless')).toEqual([
      'litellm_settings.cache',
      'litellm_settings.cache_params',
      'litellm_settings.success_callback',
      'litellm_settings.failure_callback',
      'litellm_settings.langfuse_public_key',
      'litellm_settings.langfuse_secret_key',
    ]);
    expect(heads('noEffect')).toEqual([
      'litellm_settings.num_retries',
      'litellm_settings.retry_after',
      'litellm_settings.stream',
      'general_settings.database_url',
    ]);
  });
});

describe('os.environ/NAME', () => {
  it('that is unset is told with key path and line (L2)', () => {
    const all = report(
      'model_list:\n  - model_name: a\n    litellm_params:\n      model: gpt-4o\n      api_key: os.environ/MISSING\n',
    );
    expect(all.noEffect).toContainEqual({
      file: 'demonstration',
      line: 5,
      path: 'model_list[0].litellm_params.api_key',
      type: 'string',
      reason: 'environment variable MISSING is not set: OPENAI_API_KEY is used',
      advice: '',
    });
  });

  it('that is unset is told for keys that nothing reads yet, too', () => {
    const [row] = report(withModel('general_settings: {user_header_name: os.environ/MISSING}')).unsupported;
    expect(row?.reason).toContain('environment variable MISSING is not set');
  });

  it('is resolved in lists and maps (L3)', () => {
    const { models } = read(
      withModel(
        'router_settings: {default_litellm_params: {stop: [os.environ/A, b], extra_headers: {x: os.environ/A}}}',
      ),
      { ...KEYS, A: 'from-a' },
    );
    const [deployment] = models.deployments.values();
    expect(deployment?.target).toMatchObject({ defaults: { stop: ['from-a', 'b'] }, extraHeaders: { x: 'from-a' } });
  });

  it('takes the type of its key', () => {
    const { policy } = read(
      withModel('router_settings: {num_retries: os.environ/N, disable_cooldowns: os.environ/B, timeout: os.environ/T}'),
      { ...KEYS, N: '4', B: 'True', T: '1.5' },
    );
    expect(policy).toMatchObject({ numRetries: 4, disableCooldowns: true, timeoutMs: 1_500 });
  });

  it('sees what environment_variables set, over the process', () => {
    const { models } = read(withModel('environment_variables: {OPENAI_API_KEY: sk-file}'));
    expect([...models.deployments.values()][0]?.target.apiKey).toBe('sk-file');
  });

  it('counts only as the whole string', () => {
    const { models } = read(withModel('router_settings: {default_litellm_params: {user: "x os.environ/A"}}'));
    expect([...models.deployments.values()][0]?.target.defaults).toEqual({ user: 'x os.environ/A' });
  });
});

describe('a key', () => {
  it('written twice: the last wins, and the first is told', () => {
    const { report: all, policy } = read(withModel('router_settings:\n  num_retries: 1\n  num_retries: 7\n'));
    expect(policy.numRetries).toBe(7);
    expect(all.noEffect).toContainEqual(
      expect.objectContaining({
        line: 3,
        path: 'router_settings.num_retries',
        reason: 'written again on line 4: the last one wins',
      }),
    );
  });

  it('misspelt suggests the right one (L6)', () => {
    const all = report(withModel('router_settings: {enable_pre_call_check: true, routing_stratgy: least-busy}'));
    expect(all.noEffect.map(({ reason }) => reason)).toEqual([
      'unknown key: did you mean enable_pre_call_checks?',
      'unknown key: did you mean routing_strategy?',
    ]);
  });

  it.each([
    ['api_bse', 'litellm_params: {model: gpt-4o, api_bse: "http://a"}'],
    ['api-base', 'litellm_params: {model: gpt-4o, api-base: "http://a"}'],
    ['baseURL', 'litellm_params: {model: gpt-4o, baseURL: "http://a"}'],
    ['endpoint', 'litellm_params: {model: gpt-4o, endpoint: "http://a"}'],
    ['api_base', 'litellm_params: {model: gpt-4o}, api_base: "http://a"'],
    ['api_base', 'litellm_params: {model: gpt-4o}, model_info: {api_base: "http://a"}'],
  ])('that was to be the address of a deployment, %s, blocks: calls would go to the vendor', (key, members) => {
    const blocking = (all: Report): string[] =>
      all.unsupported.filter((row) => row.blocking).map(({ path }) => path.split('.').at(-1)!);
    const entry = (text: string): Report => report(`model_list: [{model_name: a, ${text}}]`);
    expect(blocking(entry(members))).toEqual([key]);
    expect(blocking(entry(members.replace('model: gpt-4o', 'model: gpt-4o, api_base: "http://b"')))).toEqual([]);
  });

  it('in the wrong section is sent to the right one', () => {
    const all = report(withModel('litellm_settings: {routing_strategy: least-busy}\nmaster_key: sk-x\nfoo: {bar: 1}'));
    expect(all.noEffect.map(({ path, reason }) => [path, reason])).toEqual([
      ['litellm_settings.routing_strategy', 'it belongs under router_settings'],
      ['master_key', 'it belongs under general_settings'],
      ['foo', 'unknown key: LiteLLM does not read it either'],
      ['foo.bar', 'unknown key: LiteLLM does not read it either'],
    ]);
  });

  it('of both settings is read from router_settings (L9)', () => {
    const { policy, report: all } = read(
      withModel(`litellm_settings: {num_retries: 3, request_timeout: 10, fallbacks: [{gpt-4o: [x]}], cooldown_time: 9}
router_settings: {num_retries: 1, timeout: 20, fallbacks: [{gpt-4o: [gpt-4o]}]}`),
    );
    expect(policy).toMatchObject({ numRetries: 1, timeoutMs: 20_000, cooldownMs: 9_000 });
    expect(policy.fallbacks).toEqual(new Map([['gpt-4o', ['gpt-4o']]]));
    expect(listOf(all, 'litellm_settings.num_retries')).toEqual(['noEffect']);
    expect(listOf(all, 'litellm_settings.request_timeout')).toEqual(['noEffect']);
    expect(listOf(all, 'litellm_settings.cooldown_time')).toEqual(['applied']);
    expect(all.errors).toEqual([]); // a beaten list is not looked up
  });

  it('without a value is absent, and told', () => {
    const { policy, report: all } = read(withModel('router_settings:\n  num_retries:\n'));
    expect(policy.numRetries).toBe(2);
    expect(listOf(all, 'router_settings.num_retries')).toEqual(['noEffect']);
  });

  it('reads yes as true (L84)', () => {
    expect(read(withModel('router_settings: {disable_cooldowns: yes}')).policy.disableCooldowns).toBe(true);
  });
});

describe('what cannot be kept', () => {
  it.each([
    ['a Python hook (L7)', 'general_settings: {custom_auth: my_auth.check}', 'general_settings.custom_auth'],
    ['a Python callback (L7)', 'litellm_settings: {callbacks: [my.handler]}', 'litellm_settings.callbacks'],
    ['a budget', 'litellm_settings: {max_budget: 10}', 'litellm_settings.max_budget'],
    ['guardrails', 'guardrails: [{guardrail_name: a, litellm_params: {}}]', 'guardrails'],
    ['an address list', 'general_settings: {allowed_ips: [127.0.0.1]}', 'general_settings.allowed_ips'],
    ['a routing strategy', 'router_settings: {routing_strategy: complexity}', 'router_settings.routing_strategy'],
    ['settings of groups', 'sluice: {groups: {gpt-4o: {wait: 1}}}', 'sluice.groups.gpt-4o.wait'],
  ])('blocks: %s', (_, rest, path) => {
    expect(listOf(report(withModel(rest)), path)).toEqual(['blocking']);
  });

  it.each([
    ['a cache', 'litellm_settings: {cache: true}', 'litellm_settings.cache'],
    ['callbacks', 'litellm_settings: {success_callback: [langfuse]}', 'litellm_settings.success_callback'],
    ['alerting', 'general_settings: {alerting: [slack]}', 'general_settings.alerting'],
    ['mid-stream restart', 'sluice: {midstream: restart}', 'sluice.midstream'],
    [
      'mid-stream restart of a group',
      'sluice: {groups: {gpt-4o: {midstream: restart}}}',
      'sluice.groups.gpt-4o.midstream',
    ],
  ])('is only told: %s', (_, rest, path) => {
    expect(listOf(report(withModel(rest)), path)).toEqual(['harmless']);
  });

  it.each([
    [
      'a restriction that is off',
      'general_settings: {enforce_user_param: false}',
      'general_settings.enforce_user_param',
    ],
    ['an empty list', 'guardrails: []', 'guardrails'],
    ['mid-stream errors', 'sluice: {midstream: error}', 'sluice.midstream'],
    ['mid-stream continuation', 'sluice: {midstream: continue}', 'sluice.midstream'],
    ['no hedging', 'sluice: {hedge: off}', 'sluice.hedge'],
    ['hedging', 'sluice: {hedge: eager}', 'sluice.hedge'],
    ['hedging of a group', 'sluice: {groups: {gpt-4o: {hedge_budget: 0.1}}}', 'sluice.groups.gpt-4o.hedge_budget'],
  ])('asks for what happens anyway: %s', (_, rest, path) => {
    expect(listOf(report(withModel(rest)), path)).toEqual(['applied']);
  });
});

describe('an error names its line', () => {
  it.each<[string, string, number, string, RegExp]>([
    [
      'text for a number',
      'router_settings:\n  num_retries: two',
      3,
      'router_settings.num_retries',
      /must be a whole number of at least 0, but is a string/,
    ],
    [
      'a negative number',
      'router_settings:\n  num_retries: -1',
      3,
      'router_settings.num_retries',
      /at least 0, but is another number/,
    ],
    ['a fraction', 'router_settings:\n  allowed_fails: 1.5', 3, 'router_settings.allowed_fails', /whole number/],
    ['a timeout of nothing', 'router_settings:\n  timeout: 0', 3, 'router_settings.timeout', /above 0/],
    [
      'a timeout beyond timers',
      'router_settings:\n  timeout: 99999999',
      3,
      'router_settings.timeout',
      /at most 2147483/,
    ],
    [
      'a list for seconds',
      'router_settings:\n  cooldown_time: [5]',
      3,
      'router_settings.cooldown_time',
      /but is a list/,
    ],
    [
      'a word for a switch',
      'router_settings:\n  disable_cooldowns: maybe',
      3,
      'router_settings.disable_cooldowns',
      /true or false, but is a string/,
    ],
    [
      'an unknown strategy',
      'router_settings:\n  routing_strategy: fastest',
      3,
      'router_settings.routing_strategy',
      /must be simple-shuffle, least-busy,/,
    ],
    [
      'a list for a section',
      'general_settings:\n  - master_key: x',
      2,
      'general_settings',
      /must be a map, but is a list/,
    ],
    [
      'a number as master key',
      'general_settings:\n  master_key: 1234',
      3,
      'general_settings.master_key',
      /must be a string, but is a number/,
    ],
    ['an empty master key', 'general_settings:\n  master_key: ""', 3, 'general_settings.master_key', /but is empty/],
    ['an unknown word of ours', 'sluice:\n  midstream: stop', 3, 'sluice.midstream', /continue, error or restart/],
    [
      'a fallback to nothing',
      'router_settings:\n  fallbacks:\n    - gpt-4o:\n        - gpt-4o-mini',
      5,
      'router_settings.fallbacks[0].gpt-4o[0]',
      /names "gpt-4o-mini" as a fallback, and no model is called so/,
    ],
    [
      'a default fallback to nothing',
      'litellm_settings:\n  default_fallbacks: [gpt4o]',
      3,
      'litellm_settings.default_fallbacks[0]',
      /did you mean gpt-4o\?/,
    ],
    ['fallbacks as a number', 'router_settings:\n  fallbacks: 3', 3, 'router_settings.fallbacks', /a list of maps/],
    [
      'fallbacks as broken JSON',
      'router_settings:\n  fallbacks: "[{"',
      3,
      'router_settings.fallbacks',
      /a list of maps/,
    ],
    [
      'an alias of nothing',
      'router_settings:\n  model_group_alias:\n    a: gpt-5',
      4,
      'router_settings.model_group_alias.a',
      /names "gpt-5"/,
    ],
    [
      'aliases in a ring',
      'router_settings:\n  model_group_alias:\n    a: b\n    b: a',
      4,
      'router_settings.model_group_alias.a',
      /in a ring: a -> b -> a/,
    ],
    ['an included file that is not there', 'include:\n  - nowhere.yaml', 3, 'include[0]', /does not exist/],
  ])('%s', (_, rest, line, path, reason) => {
    expect(report(withModel(rest)).errors[0]).toMatchObject({
      file: 'demonstration',
      line,
      path,
      reason: expect.stringMatching(reason) as unknown,
    });
  });

  it.each<[string, string, number, RegExp]>([
    ['a missing model_name', 'model_list:\n  - litellm_params: {model: gpt-4o}', 2, /model_name is missing/],
    ['missing litellm_params', 'model_list:\n  - model_name: a', 2, /litellm_params is missing/],
    ['a missing model', 'model_list:\n  - model_name: a\n    litellm_params: {rpm: 1}', 3, /model is missing/],
    ['a model_list that is a map', 'model_list:\n  a: b', 1, /must be a list, but is a map/],
    ['no models', 'router_settings: {}', 1, /model_list is missing or empty/],
    ['an entry that is text', 'model_list:\n  - gpt-4o', 2, /must be a map, but is a string/],
    [
      'an unknown provider',
      'model_list:\n  - model_name: a\n    litellm_params:\n      model: opnai/gpt-4o',
      4,
      /"opnai", which is unknown: did you mean openai/,
    ],
    [
      'a provider of a later version',
      'model_list:\n  - model_name: a\n    litellm_params:\n      model: bedrock/x',
      4,
      /"bedrock", which is not yet supported in this version/,
    ],
    [
      'a bare name that nobody knows',
      'model_list:\n  - model_name: a\n    litellm_params:\n      model: llama3',
      4,
      /names no provider/,
    ],
    [
      'a limit of 0',
      'model_list:\n  - model_name: a\n    litellm_params:\n      model: gpt-4o\n      rpm: 0',
      5,
      /at least 1/,
    ],
    [
      'an address that is none',
      'model_list:\n  - model_name: a\n    litellm_params:\n      model: gpt-4o\n      api_base: localhost',
      5,
      /http or https address/,
    ],
    [
      'a header with a line break',
      'model_list:\n  - model_name: a\n    litellm_params:\n      model: gpt-4o\n      extra_headers:\n        x: "a\\nb"',
      6,
      /valid HTTP header/,
    ],
    [
      'Azure without an address',
      'model_list:\n  - model_name: a\n    litellm_params: {model: azure/x}',
      3,
      /api_base is missing/,
    ],
    [
      'an unset Azure address',
      'model_list:\n  - model_name: a\n    litellm_params:\n      model: azure/x\n      api_base: os.environ/NONE',
      5,
      /NONE is not set, nor is AZURE_API_BASE/,
    ],
    [
      'an unset Azure address of the variable that stands in for it',
      'model_list:\n  - model_name: a\n    litellm_params:\n      model: azure/x\n      api_base: os.environ/AZURE_API_BASE',
      5,
      /AZURE_API_BASE is not set$/,
    ],
    [
      'an unset model',
      'model_list:\n  - model_name: a\n    litellm_params:\n      model: os.environ/NONE',
      4,
      /NONE is not set/,
    ],
    [
      'an unknown credential',
      'model_list:\n  - model_name: a\n    litellm_params:\n      model: gpt-4o\n      litellm_credential_name: x',
      5,
      /no entry of credential_list/,
    ],
  ])('%s', (_, text, line, reason) => {
    expect(report(text).errors[0]).toMatchObject({ line, reason: expect.stringMatching(reason) as unknown });
  });

  it('two equal ids name both lines (L10)', () => {
    const entry = '  - model_name: a\n    litellm_params: {model: gpt-4o}\n    model_info: {id: same}\n';
    expect(report(`model_list:\n${entry}${entry}`).errors).toMatchObject([
      { line: 7, path: 'model_list[1].model_info.id', reason: 'is the same id as on line 4: "same"' },
    ]);
  });

  it('all of them in one run', () => {
    const { errors } = report(
      withModel('router_settings: {num_retries: a, timeout: b}\nlitellm_settings: {drop_params: c}'),
    );
    expect(errors.map(({ line }) => line)).toEqual([2, 2, 3]);
  });
});

describe('secrets', () => {
  it('stand in no row, whatever is wrong with them', () => {
    const { report: all } = read(`
model_list:
  - model_name: a
    litellm_params: {model: gpt-4o, api_key: "SECRET with space", api_base: "SECRET://x", organization: {a: SECRET}}
  - model_name: b
    litellm_params: {model: azure/x, api_key: [SECRET], azure_ad_token: 7, extra_headers: {a: "SECRET\\n"}, timeout: SECRET}
    model_info: {id: "SECRET\\t", client_secret: SECRET}
credential_list: [{credential_name: c, credential_values: SECRET}]
router_settings: {redis_password: [SECRET], redis_port: SECRET, num_retries: SECRET, fallbacks: SECRET}
general_settings: {master_key: "SECRET ", database_url: SECRET}
environment_variables: {A: [SECRET]}
litellm_settings: {langfuse_secret_key: SECRET, cache: SECRET}
`);
    expect(all.errors.length).toBeGreaterThan(8);
    expect(JSON.stringify(all)).not.toContain('SECRET');
  });
});
