import { freePort } from '../systems/free-port.mjs';
import { GROUP, KEY } from '../load/calls.mjs';
import { startBarePath } from '../systems/bare-path.mjs';
import { startLiteLlm, startPortkey } from '../systems/peers.mjs';
import { startRawQueue } from '../systems/raw-queue.mjs';
import { startSluice, startSplit } from '../systems/sluice.mjs';

/** One deployment, no limits: LiteLLM and Sluice read the same file. */
export function configTo(upstream) {
  return `model_list:
  - model_name: ${GROUP}
    litellm_params: {model: openai/upstream-model, api_base: "${upstream}/v1", api_key: sk-upstream}
general_settings: {master_key: ${KEY}}
`;
}

/**
 * Who is measured, in this order in each round. `start` gives {origin, headers, pids, stop}, or undefined when it cannot be
 * had on this machine.
 * @param upstream origin of the provider
 */
export function contestants(upstream, { withPeers }) {
  const config = configTo(upstream);
  const own = [
    { name: 'direct', start: async () => ({ origin: upstream, headers: {}, pids: [], stop: async () => undefined }) },
    { name: 'raw BullMQ', start: startRawQueue },
    { name: 'bare path', start: () => startBarePath(upstream) },
    { name: 'Sluice, one process', start: () => startSluice({ config, key: KEY }) },
    { name: 'Sluice, api + worker', start: () => startSplit({ config, key: KEY }) },
  ];
  const peers = [
    {
      name: 'Portkey',
      start: async () => {
        const routing = { provider: 'openai', api_key: 'sk-upstream', custom_host: `${upstream}/v1` };
        return startPortkey({ routing, port: await freePort() });
      },
    },
    { name: 'LiteLLM', start: async () => startLiteLlm({ config, key: KEY, port: await freePort() }) },
  ];
  return withPeers ? [...own, ...peers] : own;
}
