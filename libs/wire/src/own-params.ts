/** Members of a body that are for Sluice or LiteLLM, never for a provider. Source: API.md 1.3, LITELLM.md 3 and 6. */
const OWN_PARAMS = new Set([
  'fallbacks',
  'context_window_fallbacks',
  'content_policy_fallbacks',
  'disable_fallbacks',
  'num_retries',
  'timeout',
  'stream_timeout',
  'request_timeout',
  'priority',
  'tags',
  'allowed_model_region',
  'cache',
  'guardrails',
  'litellm_metadata',
  'litellm_session_id',
  'litellm_trace_id',
  'litellm_call_id',
  'drop_params',
  'no-log',
]);

export const isOwnParam = (name: string): boolean => OWN_PARAMS.has(name) || name.startsWith('mock_');
