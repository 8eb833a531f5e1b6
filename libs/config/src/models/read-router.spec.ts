import { describe, expect, it } from '@jest/globals';
import { chooseGroup, routedCall } from '@sluice/core';
import { readConfig, type Config } from '../read-config.js';

const MODELS = `model_list:
  - {model_name: small, litellm_params: {model: gpt-4o-mini, api_key: k}, model_info: {id: small-1}}
  - {model_name: large, litellm_params: {model: gpt-4o, api_key: k}}
`;
const router = (params: string, name = 'auto'): string =>
  `  - {model_name: ${name}, litellm_params: {model: sluice/router, ${params}}}\n`;
const read = (entries: string, rest = ''): Config => readConfig({ env: {}, cwd: '/', text: MODELS + entries + rest });
const errors = (entries: string): string[] =>
  read(entries).report.errors.map(({ path, reason }) => `${path}: ${reason}`);
const rule = (when: string, use = 'large'): string => router(`rules: [{when: {${when}}, use: ${use}}], default: small`);

describe('a router of the configuration (L60)', () => {
  it('has its conditions read', () => {
    const { models, report } = read(
      rule(
        'input_tokens_over: 100, has_images: false, code_language: [py, rust], tag: vip, matches: "a+", hours: "08:00-18:00 Europe/Berlin"',
      ),
    );
    expect(report.errors).toEqual([]);
    expect(models.routers?.get('auto')).toMatchObject({
      default: 'small',
      rules: [
        {
          use: 'large',
          when: {
            inputTokensOver: 100,
            hasImages: false,
            codeLanguage: ['python', 'rust'],
            tag: ['vip'],
            matches: { source: 'a+' },
            hours: { fromMinute: 480, toMinute: 1080, timezone: 'Europe/Berlin' },
          },
        },
      ],
    });
    expect(models.groups.has('auto')).toBe(false);
    expect(report.unsupported).toEqual([]);
  });

  it('leads to groups, aliases, ids and what a pattern matches', () => {
    const rules = '{when: {tag: a}, use: small-1}, {when: {tag: b}, use: alias}';
    const alias = 'router_settings: {model_group_alias: {alias: large, smart: auto}}\n';
    const { models, report } = read(router(`rules: [${rules}], default: small`), alias);
    expect(report.errors).toEqual([]);
    const call = routedCall({ messages: [] }, ['b'], 0);
    expect(chooseGroup(models.routers!.get('auto')!, call).use).toBe('alias');
  });

  it.each([
    ['a target that is none', rule('tag: a', 'larg'), 'rules[0].use: names "larg", and no model is called so'],
    ['another router', rule('tag: a', 'auto'), 'rules[0].use: names the router "auto"'],
    ['no default', router('rules: []'), 'litellm_params: default is missing'],
    ['no condition', router('rules: [{use: large}], default: small'), 'rules[0]: when is missing'],
    ['a pattern that looks around', rule('matches: "(?=a)b"'), 'matches: the pattern looks around'],
    ['hours that are none', rule('hours: "8 to 18"'), 'hours: must be two times of day'],
    ['a flag that is none', rule('has_images: maybe'), 'has_images: must be true or false'],
    ['the name of a group', router('default: small', 'large'), 'model_name: "large" is a model group as well'],
    ['a name twice', router('default: small') + router('default: large'), 'is the second router called "auto"'],
  ])('is refused with %s', (_name, entries, expected) => {
    expect(errors(entries).join('\n')).toContain(expected);
  });

  it('has an unknown condition told: its rule would hold more often than is meant', () => {
    const { report } = read(rule('has_image: true'));
    expect(report.noEffect.map(({ reason }) => reason).join()).toContain('did you mean has_images?');
  });
});
