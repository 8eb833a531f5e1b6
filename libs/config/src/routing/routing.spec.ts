import { describe, expect, it } from '@jest/globals';
import { BACKLOG_DEFAULTS } from '@sluice/core';
import { readConfig, type Config } from '../read-config.js';

const MODELS = `model_list:
  - {model_name: gpt-4o, litellm_params: {model: azure/west, api_base: "http://w"}, model_info: {id: west}}
  - {model_name: gpt-4o, litellm_params: {model: gpt-4o}, model_info: {id: direct}}
  - {model_name: gpt-4o, litellm_params: {model: azure/east, api_base: "http://e"}, model_info: {id: east}}
  - {model_name: claude, litellm_params: {model: claude-sonnet-4-5}, model_info: {id: claude-1}}
  - {model_name: openai/*, litellm_params: {model: openai/*}, model_info: {id: any}}
`;
const KEYS = { OPENAI_API_KEY: 'a', ANTHROPIC_API_KEY: 'b', AZURE_API_KEY: 'c' };
const read = (rest: string): Config => readConfig({ env: KEYS, cwd: '/nowhere', text: MODELS + rest });
const router = (settings: string): Config => read(`router_settings:\n  ${settings}\n`); // settings begin on line 8

describe('model_group_alias', () => {
  it('is a name, or a name that is not listed (L16)', () => {
    const { models, report } = router('model_group_alias: {a: gpt-4o, b: {model: claude, hidden: true}, c: a}');
    expect(report.errors).toEqual([]);
    expect(models.aliases).toEqual(
      new Map([
        ['a', { group: 'gpt-4o', hidden: false }],
        ['b', { group: 'claude', hidden: true }],
        ['c', { group: 'a', hidden: false }],
      ]),
    );
  });

  it('as a weighted list is a group of its own (L17)', () => {
    const { models, report } = router(
      'model_group_alias: {mix: [{model: azure/west, weight: 0.7}, {model: gpt-4o, weight: 0.3}, {model: claude}]}',
    );
    expect(report.errors).toEqual([]);
    const mix = models.groups.get('mix');
    expect(mix?.entries).toEqual([
      { weight: 0.7, deploymentIds: ['west'] },
      { weight: 0.3, deploymentIds: ['direct'] },
      { weight: 1, deploymentIds: ['claude-1'] },
    ]);
    expect(mix?.deployments.map(({ id, group }) => [id, group])).toEqual([
      ['west', 'gpt-4o'],
      ['direct', 'gpt-4o'],
      ['claude-1', 'claude'],
    ]);
  });

  it('as a weighted list under the name of a group keeps its other deployments, last (L83)', () => {
    const { models } = router(
      'model_group_alias: {gpt-4o: [{model: azure/east, weight: 1}, {model: west, weight: 2}]}',
    );
    const group = models.groups.get('gpt-4o');
    expect(group?.entries?.flatMap(({ deploymentIds }) => deploymentIds)).toEqual(['east', 'west']);
    expect(group?.deployments.map(({ id }) => id)).toEqual(['east', 'west', 'direct']);
  });

  it.each([
    ['an entry that means nothing', '{mix: [{model: gpt-9}]}', /names "gpt-9"/],
    ['no entry', '{mix: []}', /empty list/],
    ['no weight at all', '{mix: [{model: claude, weight: 0}]}', /every weight is 0/],
    ['a negative weight', '{mix: [{model: claude, weight: -1}]}', /at least 0/],
    ['an entry without model', '{mix: [{weight: 1}]}', /"model" and "weight"/],
    ['a map without model', '{mix: {hidden: true}}', /the key "model"/],
    ['a number', '{mix: 4}', /must be a string/],
  ])('with %s is an error on its line', (_, alias, reason) => {
    expect(router(`model_group_alias: ${alias}`).report.errors[0]).toMatchObject({
      line: 8,
      reason: expect.stringMatching(reason) as unknown,
    });
  });
});

describe('fallbacks', () => {
  const expected = new Map([
    ['gpt-4o', ['gpt-4o', 'claude']],
    ['claude', ['direct']],
  ]);

  it.each([
    ['a list of one-key maps', 'fallbacks: [{gpt-4o: [gpt-4o, claude]}, {claude: [direct]}]'],
    ['a plain map', 'fallbacks: {gpt-4o: [gpt-4o, claude], claude: direct}'],
    ['a JSON string of a list (L5)', `fallbacks: '[{"gpt-4o": ["gpt-4o", "claude"]}, {"claude": ["direct"]}]'`],
    ['a JSON string of a map (L5)', `fallbacks: '{"gpt-4o": ["gpt-4o", "claude"], "claude": ["direct"]}'`],
  ])('are %s', (_, settings) => {
    const { policy, report } = router(settings);
    expect(report.errors).toEqual([]);
    expect(policy.fallbacks).toEqual(expected);
  });

  it('for all groups stand under *, unless one is written there', () => {
    expect(router('default_fallbacks: [claude]').policy.fallbacks).toEqual(new Map([['*', ['claude']]]));
    const both = router('fallbacks: {"*": [gpt-4o]}\n  default_fallbacks: [claude]');
    expect(both.policy.fallbacks).toEqual(new Map([['*', ['gpt-4o']]]));
    expect(both.report.noEffect).toMatchObject([{ line: 9, path: 'router_settings.default_fallbacks' }]);
  });

  it('may name aliases, pattern matches and ids', () => {
    const { policy, report } = router('model_group_alias: {a: claude}\n  fallbacks: {gpt-4o: [a, openai/o3, any]}');
    expect(report.errors).toEqual([]);
    expect(policy.fallbacks.get('gpt-4o')).toEqual(['a', 'openai/o3', 'any']);
  });

  it('of an alias are those of its group; of an unknown name, told', () => {
    const { policy, report } = router('model_group_alias: {a: claude}\n  fallbacks: {a: [gpt-4o], cluade: [gpt-4o]}');
    expect(policy.fallbacks).toEqual(new Map([['claude', ['gpt-4o']]]));
    expect(report.noEffect).toMatchObject([
      {
        line: 9,
        path: 'router_settings.fallbacks.cluade',
        reason: 'no model group is called "cluade": did you mean claude?',
      },
    ]);
  });

  it('for context and content have lists of their own', () => {
    const { policy } = router(
      'context_window_fallbacks: [{gpt-4o: [claude]}]\n  content_policy_fallbacks: {claude: [gpt-4o]}',
    );
    expect(policy.contextWindowFallbacks).toEqual(new Map([['gpt-4o', ['claude']]]));
    expect(policy.contentPolicyFallbacks).toEqual(new Map([['claude', ['gpt-4o']]]));
  });

  it('have keys with or without the provider, and names that a pattern stands for', () => {
    const { policy, report } = router(
      'fallbacks: [{azure/gpt-4o: [claude]}, {openai/o3: [gpt-4o]}, {gpt-5x: [claude]}]',
    );
    expect(report.errors).toEqual([]);
    expect([...policy.fallbacks]).toEqual([
      ['gpt-4o', ['claude']],
      ['openai/o3', ['gpt-4o']],
    ]);
    expect(report.noEffect.map(({ reason }) => reason).join()).toContain('no model group is called "gpt-5x"');
  });
});

describe('the policy', () => {
  it('has the defaults of LITELLM.md 4', () => {
    expect(read('').policy).toMatchObject({
      strategy: { name: 'simple-shuffle' },
      numRetries: 2,
      retryAfterMs: 0,
      timeoutMs: 600_000,
      streamTimeoutMs: undefined,
      idleTimeoutMs: 30_000,
      connectTimeoutMs: 5_000,
      allowedFails: undefined,
      cooldownMs: undefined,
      disableCooldowns: false,
      maxFallbacks: 5,
      enablePreCallChecks: true,
      outageWaitMs: 10_000,
      waitMs: 280_000,
      maxQueueWaitMs: undefined,
    });
  });

  it('is read with its types', () => {
    const { policy, report } = read(`router_settings: {routing_strategy: least-busy, num_retries: 0, retry_after: 0.5,
  stream_timeout: 7, idle_timeout: 8, connect_timeout: 1, allowed_fails: 0, cooldown_time: 0, disable_cooldowns: on,
  max_fallbacks: 1, enable_pre_call_checks: false, max_queue_wait: 3}
sluice: {wait: 100, outage_wait: 0}
`);
    expect(report.errors).toEqual([]);
    expect(policy).toMatchObject({
      strategy: { name: 'least-busy' },
      numRetries: 0,
      retryAfterMs: 500,
      streamTimeoutMs: 7_000,
      idleTimeoutMs: 8_000,
      connectTimeoutMs: 1_000,
      allowedFails: 0,
      cooldownMs: 0,
      disableCooldowns: true,
      maxFallbacks: 1,
      enablePreCallChecks: false,
      maxQueueWaitMs: 3_000,
      waitMs: 100_000,
      outageWaitMs: 0,
    });
  });
});

describe('retry policies', () => {
  it('are read by class, the group’s own under its name (L25)', () => {
    const { policy, report } = router(
      `retry_policy: {TimeoutErrorRetries: 0, RateLimitErrorRetries: null, InternalServerErrorRetries: 3, Nonsense: 1}
  model_group_alias: {mine: claude}
  model_group_retry_policy: {mine: {BadRequestErrorRetries: 1}, gtp-4o: {TimeoutErrorRetries: 1}}`,
    );
    expect(report.errors).toEqual([]);
    expect(policy.retryPolicies).toEqual(
      new Map([
        ['*', { timeout: 0, internalServer: 3 }],
        ['claude', { badRequest: 1 }],
      ]),
    );
    const told = (end: string) => report.noEffect.find(({ path }) => path.endsWith(end))?.reason;
    expect(told('Nonsense')).toMatch(/unknown class/);
    expect(told('gtp-4o')).toMatch(/no model group.*gpt-4o/);
  });
});

describe('allowed_fails_policy', () => {
  // L32
  it('is read by class, for the router and for a deployment', () => {
    const { policy, models, report } = read(`router_settings:
  allowed_fails_policy: {TimeoutErrorAllowedFails: 2, InternalServerErrorAllowedFails: 0, RateLimitErrorAllowedFails: 9}
`);
    expect(report.errors).toEqual([]);
    expect(policy.allowedFailsPolicy).toEqual({ timeout: 2, server: 0 });
    expect([...models.deployments.values()].every((d) => d.allowedFailsPolicy === undefined)).toBe(true);
    const told = report.noEffect.find(({ path }) => path.endsWith('RateLimitErrorAllowedFails'));
    expect(told?.reason).toMatch(/Retry-After/);
  });
});

describe('the queue', () => {
  const sluice = (settings: string): Config => read(`sluice:\n  ${settings}\n`);

  it('has bounds that nobody meets by chance', () => {
    expect(read('').policy.backlog).toEqual(BACKLOG_DEFAULTS);
    expect(sluice('wait: 1').policy.backlog).toEqual(BACKLOG_DEFAULTS);
  });

  it('has those that are written, and shares of tenants', () => {
    const { policy, report } = sluice(
      '{max_queued_jobs: 50, max_queued_jobs_per_tenant: 5, max_queued_mb: 2, max_queued_mb_per_tenant: 0.5, tenant_weights: {acme: 4, x: 0.5}}',
    );
    expect(report.errors).toEqual([]);
    expect(policy.backlog).toEqual({
      bounds: { jobs: 50, tenantJobs: 5, bytes: 2_097_152, tenantBytes: 524_288 },
      tenantWeights: new Map([
        ['acme', 4],
        ['x', 0.5],
      ]),
    });
  });

  it.each([
    ['no share', '{tenant_weights: {a: 0}}', /at least 0.01/],
    ['a share beyond all measure', '{tenant_weights: {a: 1000}}', /from 0.01 to 100/],
    ['no room at all', '{max_queued_jobs: 0}', /at least 1/],
  ])('is refused with %s', (_, settings, why) => {
    expect(
      sluice(settings)
        .report.errors.map(({ reason }) => reason)
        .join(),
    ).toMatch(why);
  });
});
