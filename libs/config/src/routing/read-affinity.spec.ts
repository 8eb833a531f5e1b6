import { describe, expect, it } from '@jest/globals';
import { readConfig, type Config } from '../read-config.js';

const router = (settings: string): Config =>
  readConfig({
    env: { OPENAI_API_KEY: 'a' },
    cwd: '/nowhere',
    text: `model_list: [{model_name: a, litellm_params: {model: openai/gpt-4o}}]\nrouter_settings:\n  ${settings}\n`,
  });

describe('optional_pre_call_checks', () => {
  it('says what keeps calls together', () => {
    const { policy, report } = router(
      'optional_pre_call_checks: [prompt_caching, session_affinity, deployment_affinity]',
    );
    expect(policy.affinity).toEqual({ kinds: ['prompt', 'session', 'caller'], byGroup: new Map() });
    expect([report.unsupported, report.errors]).toEqual([[], []]);
  });

  it('may be another for a group', () => {
    const { policy, report } = router('model_group_affinity_config: {a: [session_affinity], z: []}');
    expect(policy.affinity.byGroup).toEqual(
      new Map([
        ['a', ['session']],
        ['z', []],
      ]),
    );
    expect(report.noEffect.map(({ path, reason }) => [path, reason])).toContainEqual([
      'router_settings.model_group_affinity_config.z',
      'no model is called so',
    ]);
  });

  it('takes limits and budgets for granted, and says what there is not', () => {
    const names = 'enforce_model_rate_limits, router_budget_limiting, responses_api_deployment_check, sticky';
    const { policy, report } = router(`optional_pre_call_checks: [${names}]`);
    expect(policy.affinity.kinds).toEqual([]);
    expect(report.errors).toEqual([]);
    expect(report.unsupported).toMatchObject([
      {
        path: 'router_settings.optional_pre_call_checks',
        blocking: false,
        reason:
          'responses_api_deployment_check: there are no responses to follow in this version; sticky: no check is called so',
      },
    ]);
  });
});
