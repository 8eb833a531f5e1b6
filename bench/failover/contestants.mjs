import { freePort } from '../systems/free-port.mjs';
import { KEY } from '../load/calls.mjs';
import { startLiteLlm, startPortkey } from '../systems/peers.mjs';
import { startSluice } from '../systems/sluice.mjs';
import { DEPLOYMENTS } from './scenarios.mjs';

export const GROUP = 'rehearsal';

/** @param bases deployment → its base URL, with `/v1` */
function configTo(bases) {
  const models = DEPLOYMENTS.map(
    (name) => `  - model_name: ${GROUP}
    litellm_params: {model: openai/sim-model, api_base: "${bases[name]}", api_key: sk-upstream}
    model_info: {id: ${name}}
`,
  );
  return `model_list:
${models.join('')}router_settings: {routing_strategy: simple-shuffle, num_retries: 3}
general_settings: {master_key: ${KEY}}
`;
}

/** Portkey spreads the load and, where one fails, asks the next: the best that its own routing can say. */
function portkeyRouting(bases) {
  const target = (name) => ({ provider: 'openai', api_key: 'sk-upstream', custom_host: bases[name] });
  const chains = DEPLOYMENTS.map((_, first) => [...DEPLOYMENTS.slice(first), ...DEPLOYMENTS.slice(0, first)]);
  return {
    strategy: { mode: 'loadbalance' },
    targets: chains.map((names) => ({ strategy: { mode: 'fallback' }, targets: names.map(target) })),
  };
}

/** `start` is told the base URL of each deployment, `wantsPlainHosts` that no profile may stand in it. */
export function contestants({ withPeers }) {
  const own = [{ name: 'Sluice', start: (bases) => startSluice({ config: configTo(bases), key: KEY }) }];
  const peers = [
    {
      name: 'Portkey',
      wantsPlainHosts: true, // it refuses an `@` in a URL
      start: async (bases) => startPortkey({ routing: portkeyRouting(bases), port: await freePort() }),
    },
    {
      name: 'LiteLLM',
      start: async (bases) => startLiteLlm({ config: configTo(bases), key: KEY, port: await freePort() }),
    },
  ];
  return withPeers ? [...own, ...peers] : own;
}
