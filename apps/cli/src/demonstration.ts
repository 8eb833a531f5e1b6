/** The key of the demonstration, which answers this machine alone. */
export const DEMONSTRATION_KEY = 'sk-sluice-demo';

/** All four: quick enough to watch, slow enough to see a stream flow. Members: docs/simulator.md. */
export const DEMONSTRATION_SCRIPT = {
  latency: { p50: 300, p95: 800, p99: 1_500 },
  tokensPerSecond: 60,
  answer: { tokens: 40 },
};

/** What each does otherwise. */
export const DEMONSTRATION_PROFILES: Record<string, unknown> = {
  // Five calls in ten seconds, then 429 with Retry-After until the ten seconds are over.
  'azure-west': { limits: { rpm: 5, windowMs: 10_000, retryAfter: 's' } },
  'azure-east': { rules: [{ probability: 0.5, do: { kind: 'server' } }] },
  'openai-direct': {},
  'claude-backup': {},
};

/**
 * What `sluice start` runs on when there is no configuration: LiteLLM's form, as a user would write it, with the simulator
 * in the place of the four providers.
 * @param simulator Its origin, `http://127.0.0.1:4001`.
 */
export function demonstrationConfig(simulator: string): string {
  return `model_list:
  - model_name: gpt-4o
    litellm_params: {model: azure/gpt-4o, api_base: "${simulator}/@azure-west", api_key: demo, api_version: "2024-10-21"}
    model_info: {id: azure-west}
  - model_name: gpt-4o
    litellm_params: {model: azure/gpt-4o, api_base: "${simulator}/@azure-east", api_key: demo, api_version: "2024-10-21"}
    model_info: {id: azure-east}
  - model_name: gpt-4o
    litellm_params: {model: gpt-4o, api_base: "${simulator}/@openai-direct/v1", api_key: demo}
    model_info: {id: openai-direct}
  - model_name: gpt-4o
    litellm_params: {model: anthropic/claude-sonnet-4-5, api_base: "${simulator}/@claude-backup", api_key: demo, order: 2}
    model_info: {id: claude-backup}
router_settings:
  routing_strategy: simple-shuffle
  num_retries: 3
  fallbacks: [{gpt-4o: [gpt-4o]}]
general_settings:
  master_key: ${DEMONSTRATION_KEY}
sluice:
  webhooks: {allow_http: true, allow_networks: [127.0.0.1/32]} # the simulator takes callbacks at /hook/NAME
`;
}
