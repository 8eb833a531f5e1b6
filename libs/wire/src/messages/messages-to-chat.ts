import type { ChatForm } from '../endpoints/presentation.js';
import { isOwnParam } from '../own-params.js';
import type { Unsaid } from './content-to-chat.js';
import { objectOf, type Json } from './read-block.js';
import { chatMessagesOf } from './turns-to-chat.js';

/** Hints that change nothing about what is asked. */
const HINTS = new Set(['service_tier', 'cache_control', 'context_management', 'inference_geo', 'speed']);
/** Translated below. */
const MAPPED = new Set([
  'model',
  'messages',
  'system',
  'max_tokens',
  'stream',
  'stop_sequences',
  'temperature',
  'top_p',
  'top_k',
  'tools',
  'tool_choice',
  'thinking',
  'output_config',
  'output_format',
  'metadata',
]);

/**
 * A body of POST /v1/messages, checked before, as a chat completion's: for targets that speak another dialect, and for all
 * that Sluice itself reads in a body. Source: WIRE.md 12, Anthropic's Messages reference of 2026-11.
 */
export function messagesToChat(asked: Json): ChatForm {
  const said: string[] = [];
  const unsaid: Unsaid = (path) => said.push(path);
  const metadata = objectOf(asked['metadata']) ?? {};
  const stops = asked['stop_sequences'];
  const body: ChatForm['body'] = {
    model: asked['model'],
    messages: chatMessagesOf(asked['system'], asked['messages'] as readonly Json[], unsaid),
    max_tokens: asked['max_tokens'],
    ...(asked['stream'] === true ? { stream: true, stream_options: { include_usage: true } } : {}),
    ...(Array.isArray(stops) && stops.length > 0 ? { stop: stops } : {}),
    ...given(asked, ['temperature', 'top_p', 'top_k']),
    ...toolsOf(asked['tools'], unsaid),
    ...toolChoiceOf(objectOf(asked['tool_choice'])),
    ...effortOf(asked),
    ...formatOf(objectOf(asked['output_config'])?.['format'] ?? asked['output_format']),
    ...(typeof metadata['user_id'] === 'string' ? { user: metadata['user_id'] } : {}),
  };
  for (const [name, value] of Object.entries(asked)) {
    if (MAPPED.has(name) || HINTS.has(name) || value === null || value === undefined) continue;
    if (isOwnParam(name)) body[name] = value;
    else unsaid(name);
  }
  return { body, unsaid: said };
}

const given = (asked: Json, names: readonly string[]): Json =>
  Object.fromEntries(names.filter((name) => (asked[name] ?? null) !== null).map((name) => [name, asked[name]]));

function toolsOf(tools: unknown, unsaid: Unsaid): Json {
  if (!Array.isArray(tools) || tools.length === 0) return {};
  const functions = tools.flatMap((each: unknown, i) => {
    const tool = objectOf(each) ?? {};
    const { type = 'custom', name, description, input_schema: parameters, strict, cache_control: mark } = tool;
    if (type !== 'custom' && type !== null) {
      unsaid(`tools[${i}].type`); // of Anthropic's own: it runs them, or its models alone know them
      return [];
    }
    return [
      {
        type: 'function',
        function: { name, ...given({ description, parameters, strict }, ['description', 'parameters', 'strict']) },
        ...(mark === undefined || mark === null ? {} : { cache_control: mark }),
      },
    ];
  });
  return functions.length === 0 ? {} : { tools: functions };
}

function toolChoiceOf(choice: Json | undefined): Json {
  const alone = choice?.['disable_parallel_tool_use'] === true ? { parallel_tool_calls: false } : {};
  switch (choice?.['type']) {
    case 'auto':
    case 'none':
      return { tool_choice: choice['type'], ...alone };
    case 'any':
      return { tool_choice: 'required', ...alone };
    case 'tool':
      return { tool_choice: { type: 'function', function: { name: choice['name'] } }, ...alone };
    default:
      return {};
  }
}

const HIGH_BUDGET = 4_096;
const MEDIUM_BUDGET = 2_048;

/** Claude thinks when it is told to, and as long as its effort or budget says. */
function effortOf({ thinking: asked, output_config: config }: Json): Json {
  const thinking = objectOf(asked);
  if (thinking?.['type'] === 'disabled') return {};
  const effort = objectOf(config)?.['effort'];
  if (typeof effort === 'string') return { reasoning_effort: effort };
  const budget = thinking?.['type'] === 'enabled' ? thinking['budget_tokens'] : undefined;
  if (typeof budget !== 'number') return {};
  return { reasoning_effort: budget >= HIGH_BUDGET ? 'high' : budget >= MEDIUM_BUDGET ? 'medium' : 'low' };
}

function formatOf(value: unknown): Json {
  const format = objectOf(value);
  if (format?.['type'] !== 'json_schema') return {};
  const { schema } = format;
  const strict = isStrict(schema) ? { strict: true } : {};
  return { response_format: { type: 'json_schema', json_schema: { name: 'answer', schema, ...strict } } };
}

/** OpenAI's strict mode wants every member required; a schema with optional ones is followed without it. */
function isStrict(value: unknown): boolean {
  if (Array.isArray(value)) return value.every(isStrict);
  const schema = objectOf(value);
  if (schema === undefined) return true;
  const members = objectOf(schema['properties']);
  if (members !== undefined) {
    const required = Array.isArray(schema['required']) ? schema['required'] : [];
    const isClosed = schema['additionalProperties'] === false;
    if (!isClosed || !Object.keys(members).every((name) => required.includes(name))) return false;
  }
  return Object.values(schema).every(isStrict);
}
