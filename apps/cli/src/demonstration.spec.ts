import { describe, expect, it } from '@jest/globals';
import { loadSettings } from '@sluice/config';
import { demonstrationBanner } from './banner.js';
import { DEMONSTRATION_KEY, DEMONSTRATION_PROFILES, demonstrationConfig } from './demonstration.js';

const configText = demonstrationConfig('http://127.0.0.1:4001');
const settings = loadSettings({ env: {}, cwd: '/', args: {}, configText });

describe('the demonstration', () => {
  it('is a configuration of which every key counts', () => {
    expect(settings.report).toMatchObject({ noEffect: [], unsupported: [], errors: [] });
    expect(settings.masterKey).toBe(DEMONSTRATION_KEY);
  });

  it('has a profile of the simulator behind each deployment', () => {
    expect([...settings.models.deployments.keys()]).toEqual(Object.keys(DEMONSTRATION_PROFILES));
    for (const { id, target } of settings.models.deployments.values()) {
      expect(target.baseUrl).toContain(`http://127.0.0.1:4001/@${id}`);
    }
  });

  it('keeps Anthropic for when the others are out', () => {
    const orders = [...settings.models.deployments.values()].map(({ provider, order }) => ({ provider, order }));
    expect(orders.filter(({ order }) => order > 1)).toEqual([{ provider: 'anthropic', order: 2 }]);
  });

  it('says in its banner where, with what key, and how to break a provider', () => {
    const banner = demonstrationBanner('http://localhost:4000', 'http://127.0.0.1:4001');
    expect(banner).toContain('curl -s http://localhost:4000/v1/chat/completions');
    expect(banner).toContain('"stream":true');
    expect(banner).toContain('PUT http://127.0.0.1:4001/_sim/profiles/openai-direct');
    expect(banner).toContain(DEMONSTRATION_KEY);
  });
});
