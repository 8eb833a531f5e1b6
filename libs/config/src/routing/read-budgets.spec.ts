import { describe, expect, it } from '@jest/globals';
import { readConfig, type Config } from '../read-config.js';

const config = (own: string, rest = ''): Config =>
  readConfig({
    env: { OPENAI_API_KEY: 'a', ANTHROPIC_API_KEY: 'b' },
    cwd: '/nowhere',
    text: `model_list:
  - {model_name: a, litellm_params: {model: openai/gpt-4o${own}}, model_info: {id: a1}}
  - {model_name: b, litellm_params: {model: openai/gpt-4o-mini}, model_info: {id: b1}}
  - {model_name: c, litellm_params: {model: anthropic/claude-sonnet-4-5}, model_info: {id: c1}}
  - {model_name: d, litellm_params: {model: openai/*}, model_info: {id: star}}
${rest}\n`,
  });
const rowsOf = ({ report }: Config, path: string) => [
  ...report.unsupported.filter((row) => row.path === path).map(({ blocking }) => (blocking ? 'blocking' : 'harmless')),
  ...report.noEffect.filter((row) => row.path === path).map(({ reason }) => reason),
  ...report.errors.filter((row) => row.path === path).map(({ reason }) => `error: ${reason}`),
];
const provider = (entries: string): string => `router_settings:\n  provider_budget_config: {${entries}}`;

describe('budgets', () => {
  it("are a provider's, over all of its deployments", () => {
    const { policy, report } = config('', provider('openai: {budget_limit: 0.5, time_period: 1d}'));
    expect(policy.budgets).toEqual([
      {
        name: 'provider:openai',
        usdNanos: 500_000_000,
        period: { count: 1, unit: 'd' },
        timeZone: 'UTC',
        deploymentIds: ['a1', 'b1', 'star'],
      },
    ]);
    expect(report.unsupported).toEqual([]);
  });

  it("are a deployment's own, in the time zone of the configuration", () => {
    const own = ', max_budget: 10, budget_duration: monthly';
    const { policy } = config(own, 'litellm_settings: {timezone: Europe/Berlin}');
    expect(policy.budgets).toEqual([
      {
        name: 'deployment:a1',
        usdNanos: 10_000_000_000,
        period: { count: 1, unit: 'mo' },
        timeZone: 'Europe/Berlin',
        deploymentIds: ['a1'],
      },
    ]);
  });

  it('take the other spelling of LiteLLM, and no period', () => {
    const { policy } = config(
      '',
      provider('anthropic: {max_budget: 1, budget_duration: 30s}, openai: {max_budget: 1}'),
    );
    expect(policy.budgets.map(({ name, period }) => [name, period])).toEqual([
      ['provider:anthropic', { count: 30, unit: 's' }],
      ['provider:openai', undefined],
    ]);
  });

  it.each([
    ['', provider('groq: {budget_limit: 1}'), 'router_settings.provider_budget_config.groq', 'no deployment is of'],
    ['', provider('openai: {time_period: 1d}'), 'router_settings.provider_budget_config.openai', 'error: budget_limit'],
    [', budget_duration: 1d', '', 'model_list[0].litellm_params.budget_duration', 'there is no max_budget'],
    [
      ', max_budget: 1, budget_duration: soon',
      '',
      'model_list[0].litellm_params.budget_duration',
      'error: must be a dur',
    ],
    ['', 'litellm_settings: {timezone: Mars}', 'litellm_settings.timezone', 'error: must be a time zone'],
  ])('tells what is wrong: %s %s', (own, rest, path, told) => {
    expect(rowsOf(config(own, rest), path)).toEqual([expect.stringContaining(told)]);
  });

  it('cannot be kept where no price is known', () => {
    const unknown = ', max_budget: 1, model: openai/somebodys-own';
    expect(rowsOf(config(unknown), 'model_list[0].litellm_params.max_budget')).toEqual(['blocking']);
    const priced = `${unknown}, input_cost_per_token: 0, output_cost_per_token: 0`;
    expect(rowsOf(config(priced), 'model_list[0].litellm_params.max_budget')).toEqual([]);
  });
});
