import type { AnswerIdentity, AskedBody } from '../endpoints/presentation.js';
import { ERROR_CODES, type ApiError } from '../error-body.js';
import { recordOf } from '../record-of.js';

export type ResponseStatus = 'queued' | 'in_progress' | 'completed' | 'incomplete' | 'failed' | 'cancelled';

type Json = Record<string, unknown>;

export const responseId = (jobId: string): string => `resp_${jobId.slice(4)}`;

/** What changes in the life of a response; all else in it stands in the request. */
export interface ResponseState {
  status: ResponseStatus;
  output: readonly unknown[];
  /** As the answer says; absent: as asked. */
  model?: string | undefined;
  usage?: Json | null;
  incomplete?: 'max_output_tokens' | 'content_filter' | undefined;
  error?: ApiError | undefined;
}

/** A `response` object with all the members that OpenAI's types require. */
export function responseObject(asked: AskedBody, identity: AnswerIdentity, state: ResponseState): Json {
  const { status, output, model = identity.model, usage = null, incomplete, error } = state;
  return {
    id: responseId(identity.jobId),
    object: 'response',
    created_at: Math.floor(identity.createdAtMs / 1_000),
    status,
    background: asked['background'] ?? false,
    error: error === undefined ? null : { code: responseErrorCode(error), message: error.message },
    incomplete_details: incomplete === undefined ? null : { reason: incomplete },
    instructions: asked['instructions'] ?? null,
    max_output_tokens: asked['max_output_tokens'] ?? null,
    max_tool_calls: asked['max_tool_calls'] ?? null,
    metadata: asked['metadata'] ?? {},
    model,
    output,
    parallel_tool_calls: asked['parallel_tool_calls'] ?? true,
    previous_response_id: asked['previous_response_id'] ?? null,
    prompt_cache_key: asked['prompt_cache_key'] ?? null,
    reasoning: { effort: null, summary: null, ...recordOf(asked['reasoning']) },
    safety_identifier: asked['safety_identifier'] ?? null,
    service_tier: asked['service_tier'] ?? 'default',
    store: asked['store'] ?? true,
    temperature: asked['temperature'] ?? 1,
    text: { format: { type: 'text' }, ...recordOf(asked['text']) },
    tool_choice: asked['tool_choice'] ?? 'auto',
    tools: asked['tools'] ?? [],
    top_logprobs: asked['top_logprobs'] ?? 0,
    top_p: asked['top_p'] ?? 1,
    truncation: asked['truncation'] ?? 'disabled',
    usage,
    user: asked['user'] ?? null,
    access_programs: null,
  };
}

/** Responses has few codes of its own; the message says the rest. Source: WIRE-SAMPLES.md 12. */
function responseErrorCode({ code }: ApiError): string {
  const { status } = ERROR_CODES[code];
  if (status === 429) return 'rate_limit_exceeded';
  return status < 429 ? 'invalid_prompt' : 'server_error';
}

/** A chat completion's `usage`; null when it says none. */
export function responseUsage(value: unknown): Json | null {
  const usage = recordOf(value);
  if (usage === undefined) return null;
  const input = recordOf(usage['prompt_tokens_details']);
  const output = recordOf(usage['completion_tokens_details']);
  return {
    input_tokens: usage['prompt_tokens'] ?? 0,
    input_tokens_details: {
      cached_tokens: input?.['cached_tokens'] ?? 0,
      cache_write_tokens: input?.['cache_write_tokens'] ?? 0,
    },
    output_tokens: usage['completion_tokens'] ?? 0,
    output_tokens_details: { reasoning_tokens: output?.['reasoning_tokens'] ?? 0 },
    total_tokens: usage['total_tokens'] ?? 0,
  };
}
