import type { InferenceJob } from '@sluice/pipeline';
import type { Outcome, Served } from '@sluice/wire';

/** Said in `x-litellm-version`: clients of LiteLLM look whether it is there, not what it says. */
export const VERSION = '0.1.0';

/** API.md 1.4. On streams what the head knows; durations need the end. */
export function answerHeaders(
  job: InferenceJob,
  served: Served | undefined,
  end?: { outcome: Outcome; tookMs: number },
): Record<string, string> {
  const headers: Record<string, string> = {
    'x-sluice-job-id': job.jobId,
    'x-litellm-call-id': job.jobId,
    'x-litellm-version': VERSION,
  };
  if (served !== undefined) {
    headers['x-litellm-model-id'] = headerValue(served.deployment);
    headers['x-litellm-model-group'] = headerValue(served.group);
    headers['x-litellm-model-api-base'] = headerValue(served.apiBase);
    headers['x-litellm-attempted-retries'] = String(served.retries);
    headers['x-litellm-attempted-fallbacks'] = String(served.fallbacks);
    headers['x-litellm-max-retries'] = String(served.maxRetries);
  }
  if (end !== undefined) {
    headers['x-litellm-response-duration-ms'] = end.tookMs.toFixed(1);
    headers['x-litellm-overhead-duration-ms'] = Math.max(0, end.tookMs - (end.outcome.upstreamMs ?? 0)).toFixed(1);
  }
  return headers;
}

/** Names come from the configuration, where any letter may stand; a header takes Latin 1 without control characters. */
const headerValue = (text: string): string => (/^[\x20-\x7e]*$/.test(text) ? text : encodeURIComponent(text));
