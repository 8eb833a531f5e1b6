import type { Deployment } from '@sluice/core';
import type { Call } from '../adapter.js';
import { writeJson } from '../raw-json.js';
import { turnsOf } from './chat-messages.js';
import { chatParams } from './chat-params.js';
import { toolParams } from './chat-tools.js';
import { modelTraitsOf } from './model-traits.js';
import { thinkingParams } from './thinking.js';

const DEFAULT_MAX_TOKENS = 4_096;

/**
 * An OpenAI chat call as the body of POST /v1/messages. Tool arguments and schemas keep their text. What Anthropic cannot
 * serve is left out: `unsupported` has spoken before. Source: WIRE.md 3.
 */
export function anthropicBody(call: Call, deployment: Deployment): string {
  const { target, model, info } = deployment;
  const params = chatParams(call, deployment);
  const { body } = params;
  const traits = modelTraitsOf(deployment);
  const maxTokens =
    positive(body['max_completion_tokens']) ??
    positive(body['max_tokens']) ??
    positive(info['max_output_tokens']) ??
    positive(info['max_tokens']) ??
    DEFAULT_MAX_TOKENS;
  const { system, turns } = turnsOf(body.messages, call.id);
  const { tools, tool_choice, format, isForced } = toolParams(params, traits);
  const { thinking, effort, isOn } = thinkingParams(body, traits, maxTokens, isForced);
  const stops = stopsOf(body['stop']);
  const allowed = Object.fromEntries(
    target.allowedOpenaiParams.flatMap((name) => (name in body && !CORE.has(name) ? [[name, body[name]]] : [])),
  );
  return writeJson({
    model,
    max_tokens: maxTokens,
    system: system.length === 0 ? undefined : system,
    messages: turns,
    tools,
    tool_choice,
    ...(isOn || traits.sampling === 'none' ? {} : samplingOf(body, traits.sampling)),
    stop_sequences: stops.length === 0 ? undefined : stops,
    thinking,
    output_config: effort === undefined && format === undefined ? undefined : { effort, format },
    metadata: typeof body['user'] === 'string' ? { user_id: body['user'] } : undefined,
    stream: call.stream ? true : undefined,
    ...allowed,
    ...target.extraBody,
  });
}

/** Members that are translated even when `allowed_openai_params` names them. */
const CORE = new Set(['model', 'messages', 'stream', 'tools', 'tool_choice', 'max_tokens']);

const positive = (value: unknown): number | undefined => (typeof value === 'number' && value > 0 ? value : undefined);

function samplingOf(body: Call['body'], sampling: 'all' | 'one'): Record<string, unknown> {
  const { temperature, top_p, top_k } = body;
  const cooled = typeof temperature === 'number' ? Math.min(temperature, 1) : undefined;
  // Of two knobs for one thing the temperature is the one that people mean.
  const hasBoth = sampling === 'one' && cooled !== undefined && top_p !== undefined;
  return { temperature: cooled, top_p: hasBoth ? undefined : top_p, top_k };
}

/** Anthropic refuses sequences of mere white space. */
function stopsOf(stop: unknown): string[] {
  const stops: unknown[] = Array.isArray(stop) ? stop : [stop];
  return stops.filter((each): each is string => typeof each === 'string' && each.trim() !== '');
}
