import { describe, expect, it } from '@jest/globals';
import { readConfig, type Config } from '../read-config.js';

const MODELS = `model_list:
  - {model_name: a, litellm_params: {model: openai/gpt-4o}, model_info: {id: a1}}
  - {model_name: a, litellm_params: {model: openai/gpt-4o-mini}, model_info: {id: a2}}
  - {model_name: b, litellm_params: {model: openai/gpt-4.1}, model_info: {id: b1}}
  - {model_name: openai/*, litellm_params: {model: openai/*}, model_info: {id: any}}
`;
const router = (settings: string): Config =>
  readConfig({ env: { OPENAI_API_KEY: 'a' }, cwd: '/nowhere', text: `${MODELS}router_settings:\n  ${settings}\n` });
const errorsOf = ({ report }: Config): string[] => report.errors.map(({ path, reason }) => `${path}: ${reason}`);

describe('routing_strategy', () => {
  it.each(['simple-shuffle', 'least-busy', 'cost-based-routing', 'usage-based-routing', 'usage-based-routing-v2'])(
    '%s',
    (name) => {
      const { policy, report } = router(`routing_strategy: ${name}`);
      expect(policy.strategy).toEqual({ name });
      expect(report.unsupported).toEqual([]);
    },
  );

  it('latency-based-routing has arguments, with the defaults of LiteLLM', () => {
    expect(router('routing_strategy: latency-based-routing').policy.strategy).toEqual({
      name: 'latency-based-routing',
      ttlMs: 3_600_000,
      buffer: 0,
      samples: 10,
    });
    const args = 'routing_strategy_args: {ttl: 10, lowest_latency_buffer: 0.5, max_latency_list_size: 3}';
    expect(router(`routing_strategy: latency-based-routing\n  ${args}`).policy.strategy).toEqual({
      name: 'latency-based-routing',
      ttlMs: 10_000,
      buffer: 0.5,
      samples: 3,
    });
  });

  it('tells of arguments that nobody reads', () => {
    const { report } = router('routing_strategy_args: {ttl: 10}');
    expect(report.noEffect.map(({ path, reason }) => [path, reason])).toContainEqual([
      'router_settings.routing_strategy_args',
      'simple-shuffle takes no arguments',
    ]);
  });

  it('adaptive cannot be kept', () => {
    const { report } = router('routing_strategy: adaptive');
    expect(report.unsupported).toMatchObject([{ path: 'router_settings.routing_strategy', blocking: true }]);
  });
});

describe('routing_groups', () => {
  const entry = 'routing_groups: [{group_name: all, models: [a, b], routing_strategy: least-busy}]';

  it('give their models a strategy, and are a group over the deployments of all', () => {
    const { models, report } = router(entry);
    expect(report.errors).toEqual([]);
    const strategy = { name: 'least-busy' };
    expect(models.groups.get('a')).toMatchObject({ strategy });
    expect(models.groups.get('all')).toMatchObject({ name: 'all', strategy, entries: undefined });
    expect(models.groups.get('all')!.deployments.map(({ id, group }) => [id, group])).toEqual([
      ['a1', 'a'],
      ['a2', 'a'],
      ['b1', 'b'],
    ]);
    expect(models.groups.get('openai/*')!.strategy).toBeUndefined();
  });

  it('leave patterns out of what can be called', () => {
    const { models } = router('routing_groups: [{group_name: all, models: [openai/*], routing_strategy: least-busy}]');
    expect(models.groups.has('all')).toBe(false);
    expect(models.groups.get('openai/*')).toMatchObject({ strategy: { name: 'least-busy' } });
  });

  it('leave the name to a model that has it', () => {
    const { models, report } = router('routing_groups: [{group_name: a, models: [b], routing_strategy: least-busy}]');
    expect(models.groups.get('a')!.deployments.map(({ id }) => id)).toEqual(['a1', 'a2']);
    expect(report.noEffect.map(({ path }) => path)).toContain('router_settings.routing_groups[0].group_name');
  });

  it.each([
    ['{models: [a]}', 'router_settings.routing_groups[0]: group_name is missing'],
    ['{group_name: g}', 'router_settings.routing_groups[0]: models is missing'],
    [
      '{group_name: g, models: [aa]}',
      'router_settings.routing_groups[0].models[0]: names "aa", and no model is called so',
    ],
    [
      '{group_name: g, models: [a]}, {group_name: h, models: [a]}',
      'router_settings.routing_groups[1].models[0]: "a" is in',
    ],
  ])('%s is wrong', (entries, error) => {
    expect(errorsOf(router(`routing_groups: [${entries}]`))).toEqual([expect.stringContaining(error)]);
  });
});
