import { describe, expect, it } from '@jest/globals';
import { resolveModel, type Deployment } from '@sluice/core';
import { readConfig, type Config } from '../read-config.js';

const KEYS = { OPENAI_API_KEY: 'sk-openai', ANTHROPIC_API_KEY: 'sk-anthropic', AZURE_API_KEY: 'sk-azure' };
const read = (text: string, env: Record<string, string> = KEYS): Config => readConfig({ env, cwd: '/nowhere', text });
const entry = (params: string, rest = ''): string =>
  `  - model_name: a\n    litellm_params: {${params}}\n${rest && `    ${rest}\n`}`;
const deploymentsOf = (entries: string, env?: Record<string, string>, rest = ''): Deployment[] => {
  const { models, report } = read(`model_list:\n${entries}${rest}`, env);
  expect(report.errors).toEqual([]);
  return [...models.deployments.values()];
};
const deploymentOf = (params: string, env?: Record<string, string>, info = ''): Deployment =>
  deploymentsOf(entry(params, info), env)[0]!;

describe('the provider of a model', () => {
  it.each([
    ['model: gpt-4o', 'openai', 'gpt-4o', 'openai/gpt-4o'],
    ['model: chatgpt-4o-latest', 'openai', 'chatgpt-4o-latest', 'openai/chatgpt-4o-latest'],
    ['model: o3-mini', 'openai', 'o3-mini', 'openai/o3-mini'],
    ['model: claude-sonnet-4-5', 'anthropic', 'claude-sonnet-4-5', 'anthropic/claude-sonnet-4-5'],
    ['model: openai/meta-llama/Llama-3', 'openai', 'meta-llama/Llama-3', 'openai/meta-llama/Llama-3'],
    ['model: azure/west, api_base: "https://x"', 'azure', 'west', 'azure/west'],
    ['model: anthropic/claude-3', 'anthropic', 'claude-3', 'anthropic/claude-3'],
    ['model: my-model, custom_llm_provider: openai', 'openai', 'my-model', 'openai/my-model'],
    ['model: openai/x, custom_llm_provider: openai', 'openai', 'x', 'openai/x'],
    ['model: gpt-4o, custom_llm_provider: azure, api_base: "https://x"', 'azure', 'gpt-4o', 'azure/gpt-4o'],
    ['model: openai/*', 'openai', '*', 'openai/*'],
  ])('{%s} is %s', (params, provider, model, fullModel) => {
    expect(deploymentOf(params)).toMatchObject({ provider, model, fullModel });
  });

  it.each(['gemini-2.5-pro', 'dall-e-3', 'o', 'meta-llama/Llama-3', 'gemini/gemini-2', 'openai/', '"*"'])(
    'of %s is refused',
    (model) => {
      expect(read(`model_list:\n${entry(`model: ${model}`)}`).report.errors).toMatchObject([
        { line: 3, path: 'model_list[0].litellm_params.model' },
      ]);
    },
  );
});

describe('what is known of a model', () => {
  it('comes from the model map', () => {
    expect(deploymentOf('model: gpt-4o')).toMatchObject({
      limits: { maxInputTokens: 128_000, maxOutputTokens: 16_384 },
      prices: { input: 2.5, output: 10 },
      supports: { vision: true },
    });
  });

  it('comes from base_model where that is given', () => {
    const { limits, prices } = deploymentOf(
      'model: azure/west, api_base: "https://x"',
      undefined,
      'model_info: {base_model: gpt-4o-mini}',
    );
    expect(limits.maxInputTokens).toBe(128_000);
    expect(prices?.input).toBe(0.165);
  });

  it('is nothing for a model of one of the own servers', () => {
    const { limits, prices, supports } = deploymentOf('model: openai/my-llama');
    expect({ limits, prices, supports }).toEqual({
      limits: { maxInputTokens: undefined, maxOutputTokens: undefined },
      prices: undefined,
      supports: {},
    });
  });

  it('is beaten by what is written, key by key', () => {
    const info = 'model_info: {max_input_tokens: 1000, supports_vision: false, max_tokens: 50}';
    expect(deploymentOf('model: gpt-4o', undefined, info)).toMatchObject({
      limits: { maxInputTokens: 1_000, maxOutputTokens: 50 },
      prices: { input: 2.5 },
      supports: { vision: false, tools: true },
    });
  });

  it('takes a written price as a price list of its own', () => {
    const { prices } = deploymentOf('model: claude-sonnet-4-5, input_cost_per_token: 1e-6');
    expect(prices).toEqual({
      input: 1,
      output: 15,
      cacheRead: undefined,
      cacheWrite: undefined,
      reasoning: undefined,
      above: undefined,
    });
  });

  it('takes a written price of cached tokens into the price list of the map', () => {
    const info = 'model_info: {cache_read_input_token_cost: 0.000001, input_cost_per_token_above_200k_tokens: 0.00001}';
    expect(deploymentOf('model: gpt-4o', undefined, info).prices).toEqual({
      input: 2.5,
      output: 10,
      cacheRead: 1,
      cacheWrite: undefined,
      reasoning: undefined,
      above: { tokens: 200_000, input: 10, output: 10, cacheRead: 1, cacheWrite: undefined },
    });
  });

  it('belongs to the model that a star stands for, and what is written to all of them', () => {
    const { models } = read(
      `model_list:\n${entry('model: "openai/*"', 'model_info: {max_output_tokens: 77}').replace('name: a', 'name: "openai/*"')}`,
    );
    const resolved = resolveModel(models, 'openai/gpt-4o', false);
    expect(resolved.kind === 'found' && resolved.group.deployments[0]).toMatchObject({
      fullModel: 'openai/gpt-4o',
      limits: { maxInputTokens: 128_000, maxOutputTokens: 77 },
      prices: { input: 2.5 },
    });
  });
});

describe('tag_regex', () => {
  it('blocks where tags are filtered, and is only told elsewhere', () => {
    const blocked = (rest: string): boolean[] =>
      read(`model_list:\n${entry('model: gpt-4o, tag_regex: ["^User-Agent: x"]')}${rest}`)
        .report.unsupported.filter(({ path }) => path.includes('tag_regex'))
        .map(({ blocking }) => blocking);
    expect(blocked('')).toEqual([false]);
    expect(blocked('router_settings: {enable_tag_filtering: true}\n')).toEqual([true]);
  });
});

describe('where a deployment goes', () => {
  it.each<[string, Record<string, string>, string]>([
    ['model: gpt-4o', {}, 'https://api.openai.com/v1'],
    ['model: gpt-4o', { OPENAI_API_BASE: 'http://b/v1' }, 'http://b/v1'],
    ['model: gpt-4o', { OPENAI_API_BASE: 'http://b', OPENAI_BASE_URL: 'http://a' }, 'http://a'],
    [
      'model: openai/x, api_base: "http://127.0.0.1:8000/v1/"',
      { OPENAI_BASE_URL: 'http://a' },
      'http://127.0.0.1:8000/v1',
    ],
    ['model: openai/x, base_url: "http://c"', {}, 'http://c'],
    ['model: openai/x, base_url: "http://c", api_base: "http://d"', {}, 'http://d'],
    ['model: azure/x', { AZURE_API_BASE: 'https://r.example' }, 'https://r.example'],
    ['model: claude-3', {}, 'https://api.anthropic.com'],
    ['model: claude-3', { ANTHROPIC_BASE_URL: 'http://e' }, 'http://e'],
    ['model: claude-3', { ANTHROPIC_BASE_URL: 'http://e', ANTHROPIC_API_BASE: 'http://f' }, 'http://f'],
  ])('{%s} with %j', (params, env, baseUrl) => {
    expect(deploymentOf(params, { ...KEYS, ...env }).target.baseUrl).toBe(baseUrl);
  });

  it('an unset api_base does not send the prompts to the vendor instead', () => {
    const [, local] = deploymentsOf(entry('model: gpt-4o') + entry('model: openai/x, api_base: os.environ/NONE'));
    expect(local).toMatchObject({
      disabled: 'api_base: environment variable NONE is not set',
      target: { baseUrl: '' },
    });
  });
});

describe('the key of a deployment', () => {
  const other = entry('model: openai/y, api_base: "http://127.0.0.1"');

  it.each<[string, Record<string, string>, string | undefined, string | undefined]>([
    ['model: gpt-4o, api_key: sk-own', KEYS, 'sk-own', undefined],
    ['model: gpt-4o', KEYS, 'sk-openai', undefined],
    ['model: gpt-4o, api_key: os.environ/A', { A: ' sk-a\n' }, 'sk-a', undefined],
    ['model: gpt-4o, api_key: os.environ/A', KEYS, 'sk-openai', undefined],
    ['model: gpt-4o, api_key: os.environ/A', { A: '' }, undefined, 'api_key: environment variable A is not set'],
    ['model: gpt-4o', {}, undefined, 'api_key: none is written, and OPENAI_API_KEY is not set'],
    ['model: gpt-4o, api_key: ""', {}, undefined, 'api_key: none is written, and OPENAI_API_KEY is not set'],
    ['model: openai/x, api_base: "http://127.0.0.1"', {}, undefined, undefined],
    ['model: claude-3', {}, undefined, 'api_key: none is written, and ANTHROPIC_API_KEY is not set'],
    ['model: azure/x, api_base: "http://a"', { AZURE_API_KEY: 'z' }, 'z', undefined],
    ['model: azure/x, api_base: "http://a", azure_ad_token: t', {}, undefined, undefined],
    ['model: azure/x, api_base: "http://a", api_key: os.environ/A', { AZURE_AD_TOKEN: 't' }, undefined, undefined],
    ['model: azure/x, api_base: "http://a"', {}, undefined, 'api_key: none is written, and AZURE_API_KEY is not set'],
  ])('{%s} with %j', (params, env, apiKey, disabled) => {
    const [deployment] = deploymentsOf(entry(params) + other, env);
    expect([deployment?.target.apiKey, deployment?.disabled]).toEqual([apiKey, disabled]);
  });

  it('is missing everywhere in a group: the start is refused, at its first line', () => {
    const { report } = read(`model_list:\n${entry('model: gpt-4o')}${entry('model: o1')}`, {});
    expect(report.errors).toMatchObject([
      {
        line: 2,
        path: 'model_list[0].model_name',
        reason: 'no deployment of "a" can be called: api_key: none is written, and OPENAI_API_KEY is not set',
      },
    ]);
  });

  it('can only be had from Entra: blocking', () => {
    const params = 'model: azure/x, api_base: "http://a", tenant_id: t, client_id: c, client_secret: s';
    const { report } = read(`model_list:\n${entry(params)}${other}`, {});
    expect(report.unsupported).toMatchObject([
      { path: 'model_list[0].litellm_params.tenant_id', blocking: true },
      { path: 'model_list[0].litellm_params.client_id', blocking: true },
      { path: 'model_list[0].litellm_params.client_secret', blocking: true },
    ]);
  });
});

describe('the id of a deployment', () => {
  const idsOf = (entries: string, env?: Record<string, string>): string[] =>
    deploymentsOf(entries, env).map(({ id }) => id);

  it('is model_info.id, a number too', () => {
    expect(idsOf(entry('model: gpt-4o', 'model_info: {id: west}') + entry('model: o1', 'model_info: {id: 7}'))).toEqual(
      ['west', '7'],
    );
  });

  it('is else the same for what goes to the same place, whatever its limits, weights, times and secrets', () => {
    const [id] = idsOf(entry('model: gpt-4o, api_key: a, api_base: os.environ/B'), { B: 'http://b' });
    expect(id).toMatch(/^[0-9a-f]{16}$/);
    const changed = 'model: gpt-4o, api_key: z, api_base: os.environ/B, rpm: 5, weight: 2, timeout: 9, order: 3';
    expect(idsOf(entry(changed), { B: 'http://other' })).toEqual([id]);
    expect(idsOf(entry('model: gpt-4o, api_key: a, api_base: "http://b"'))).not.toEqual([id]);
    expect(
      idsOf(entry('model: gpt-4o, api_key: os.environ/K, api_base: os.environ/B'), { B: 'http://b', K: 'k' }),
    ).not.toEqual([id]);
  });

  it('gets -2 and -3 where it would be equal', () => {
    const ids = idsOf(entry('model: gpt-4o') + entry('model: gpt-4o, rpm: 5') + entry('model: gpt-4o'));
    expect(ids).toEqual([ids[0], `${ids[0]}-2`, `${ids[0]}-3`]);
  });

  it('counts the members of an organization list (L19)', () => {
    const deployments = deploymentsOf(
      entry('model: gpt-4o, organization: [org-a, os.environ/B]', 'model_info: {id: x}'),
      {
        ...KEYS,
        B: 'org-b',
      },
    );
    expect(deployments.map(({ id, target }) => [id, target.organization])).toEqual([
      ['x-1', 'org-a'],
      ['x-2', 'org-b'],
    ]);
  });

  it('must fit into a header', () => {
    expect(read(`model_list:\n${entry('model: gpt-4o', 'model_info: {id: "ä"}')}`).report.errors).toMatchObject([
      { line: 4 },
    ]);
  });
});

describe('what a deployment says', () => {
  it('is read with its types', () => {
    const params = `model: azure/x, api_base: "http://a", api_version: 2024-10-21, rpm: "600", tpm: 10_000, weight: 0.5, order: 2,
      max_parallel_requests: 4, timeout: 1.5, stream_timeout: 2, num_retries: 0, cooldown_time: 0, drop_params: yes,
      additional_drop_params: [a], allowed_openai_params: [b], extra_headers: {x-n: 7}, extra_body: {k: {l: [1]}},
      temperature: 0.2, stop: [x]`;
    const info = 'model_info: {base_model: gpt-4o, max_tokens: 5, api_key: hidden, note: os.environ/OPENAI_API_KEY}';
    expect(deploymentOf(params, KEYS, info)).toMatchObject({
      baseModel: 'gpt-4o',
      rpm: 600,
      tpm: 10_000,
      weight: 0.5,
      order: 2,
      maxParallel: 4,
      timeoutMs: 1_500,
      streamTimeoutMs: 2_000,
      numRetries: 0,
      cooldownMs: 0,
      info: { base_model: 'gpt-4o', max_tokens: 5 },
      target: {
        apiVersion: '2024-10-21',
        dropParams: true,
        additionalDropParams: ['a'],
        allowedOpenaiParams: ['b'],
        extraHeaders: { 'x-n': '7' },
        extraBody: { k: { l: [1] } },
        defaults: { temperature: 0.2, stop: ['x'] },
      },
    });
    expect(Object.keys(deploymentOf(params, KEYS, info).info)).toEqual(['base_model', 'max_tokens']);
  });

  it('is completed by its credential, and then by default_litellm_params', () => {
    const rest = `credential_list:
  - {credential_name: c, credential_values: {api_key: sk-c, api_base: "http://c"}}
router_settings: {default_litellm_params: {api_key: sk-d, timeout: 3}, default_max_parallel_requests: 9}
`;
    const [deployment] = deploymentsOf(
      entry('model: gpt-4o, api_base: "http://own", litellm_credential_name: c'),
      KEYS,
      rest,
    );
    expect(deployment).toMatchObject({
      timeoutMs: 3_000,
      maxParallel: 9,
      target: { apiKey: 'sk-c', baseUrl: 'http://own' },
    });
  });

  it('may stand at three places: the entry, litellm_params, model_info', () => {
    const entries = `  - {model_name: a, rpm: 1, tpm: 1, litellm_params: {model: gpt-4o, tpm: 2}, model_info: {rpm: 3, tpm: 3, cooldown_time: 4}}\n`;
    expect(deploymentsOf(entries)[0]).toMatchObject({ rpm: 1, tpm: 1, cooldownMs: 4_000 });
    expect(deploymentsOf(entries.replace('rpm: 1, tpm: 1,', ''))[0]).toMatchObject({ rpm: 3, tpm: 2 });
  });

  it('as limits may be meant as weights', () => {
    const [a, b] = deploymentsOf(
      entry('model: gpt-4o, rpm: 6, tpm: 9, max_parallel_requests: 2') + entry('model: o1, tpm: 5'),
      KEYS,
      'sluice: {deployment_limits: weights}\n',
    );
    expect(a).toMatchObject({ weight: 6, rpm: undefined, tpm: undefined, maxParallel: 2 });
    expect(b).toMatchObject({ weight: undefined, rpm: undefined, tpm: undefined });
  });

  it('about environments leaves it out elsewhere', () => {
    const entries = entry('model: gpt-4o', 'model_info: {supported_environments: [production]}') + entry('model: o1');
    expect(deploymentsOf(entries, { ...KEYS, LITELLM_ENVIRONMENT: 'production' })[0]?.disabled).toBeUndefined();
    expect(deploymentsOf(entries, { ...KEYS, LITELLM_ENVIRONMENT: 'staging' })[0]?.disabled).toMatch(/"staging"/);
    expect(read(`model_list:\n${entries}`).report.errors).toMatchObject([{ line: 4 }]);
  });
});
