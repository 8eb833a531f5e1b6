import { KEY } from '../load/calls.mjs';
import { startSluice, startSplit } from '../systems/sluice.mjs';

/** Where the scenarios are played. */
export const SETTINGS = [
  { name: 'one', title: 'one process', start: (config) => startSluice({ config, key: KEY }), isLoaded: false },
  { name: 'cluster', title: '2 api + 3 workers', start: startCluster, isLoaded: false },
  { name: 'loaded', title: '2 api + 3 workers, another tenant’s queue', start: startCluster, isLoaded: true },
];

function startCluster(config) {
  return startSplit({ config, key: KEY, apis: 2, workers: 3 });
}

/**
 * A group of one deployment for each scenario and form, and a group to fall back to: whatever one scenario does to its
 * deployments, no other feels it, so that all are played at once.
 * @param groups [{name, first, second}]: base URLs of the deployments
 * @param mostAtOnce of one first deployment, where a backlog is wanted
 */
export function configFor(groups, mostAtOnce) {
  const limit = mostAtOnce === undefined ? '' : `, max_parallel_requests: ${mostAtOnce}`;
  const models = groups.map(
    ({ name, first, second }) => `  - model_name: ${name}
    litellm_params: {model: openai/first, api_base: "${first}", api_key: sk-upstream${limit}}
    model_info: {id: ${name}-first}
  - model_name: ${name}-fallback
    litellm_params: {model: openai/second, api_base: "${second}", api_key: sk-upstream}
    model_info: {id: ${name}-second}
`,
  );
  const fallbacks = groups.map(({ name }) => `{${name}: [${name}-fallback]}`);
  return `model_list:
${models.join('')}router_settings: {timeout: 30, num_retries: 2, fallbacks: [${fallbacks.join(', ')}]}
general_settings: {master_key: ${KEY}}
`;
}
