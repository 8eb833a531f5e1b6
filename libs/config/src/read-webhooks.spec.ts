import { describe, expect, it } from '@jest/globals';
import { readConfig } from './read-config.js';

const MODEL = 'model_list: [{model_name: m, litellm_params: {model: openai/gpt-4o, api_key: sk-x}}]';
const read = (webhooks: string) =>
  readConfig({ env: {}, cwd: '/', file: undefined, text: `${MODEL}\nsluice: {webhooks: ${webhooks}}\n` });

describe('sluice.webhooks', () => {
  it('allows nothing beside public addresses by itself', () => {
    expect(readConfig({ env: {}, cwd: '/', file: undefined, text: MODEL }).webhooks).toEqual({
      allowHttp: false,
      allowNetworks: [],
    });
  });

  it('is read', () => {
    const { webhooks, report } = read('{allow_http: true, allow_networks: ["10.20.0.0/16", "fd00:5::/32"]}');
    expect(webhooks).toEqual({ allowHttp: true, allowNetworks: ['10.20.0.0/16', 'fd00:5::/32'] });
    expect(report.errors).toEqual([]);
  });

  it.each(['10.0.0.1', '10.0.0.0/33', 'fd00::/129', 'example.com/8', '10.0.0.0/', '7', 'true'])(
    'refuses the network %s',
    (network) => {
      const { report } = read(`{allow_networks: [${network}]}`);
      expect(report.errors).toMatchObject([{ reason: expect.stringContaining('must be a network in CIDR form') }]);
    },
  );

  it('names unknown keys', () => {
    expect(read('{allow_https: true}').report.noEffect).toMatchObject([
      { path: expect.stringContaining('allow_https'), reason: 'unknown key: did you mean allow_http?' },
    ]);
  });
});
