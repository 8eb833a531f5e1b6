import type { ChatBody } from '../adapter.js';
import { elementsAt, valueAt, valueText } from '@sluice/core';
import { recordOf } from '../provider-error.js';
import { RawJson } from '../raw-json.js';
import type { ChatParams } from './chat-params.js';
import { cached } from './content-blocks.js';
import type { ModelTraits } from './model-traits.js';
import { plainSchema } from './plain-schema.js';

/** The tool by which a model without schemas of its own writes JSON; its arguments become the content. */
export const JSON_TOOL = 'json_tool_call';

const NO_PARAMETERS = { type: 'object', properties: {} };

export interface ToolParams {
  tools?: unknown[];
  tool_choice?: Record<string, unknown>;
  /** `output_config.format`. */
  format?: Record<string, unknown>;
  /** The model must call a tool, whoever wants it: that excludes thinking. */
  isForced: boolean;
}

/** Tools, choice and response format: one matter, since JSON may have to be asked for as a tool. */
export function toolParams(params: ChatParams, traits: ModelTraits): ToolParams {
  const { body } = params;
  const tools = toolsOf(params, traits);
  const schema = jsonSchemaOf(body);
  if (schema !== undefined && schema !== 'any' && traits.nativeSchema) {
    const choice = tools.length === 0 ? undefined : toolChoice(body);
    return {
      ...(tools.length === 0 ? {} : { tools }),
      ...(choice === undefined ? {} : { tool_choice: choice }),
      format: { type: 'json_schema', schema: plainSchema(schema) },
      isForced: isForcing(choice),
    };
  }
  if (schema === undefined) {
    if (tools.length === 0) return { isForced: false };
    const choice = toolChoice(body);
    return { tools, ...(choice === undefined ? {} : { tool_choice: choice }), isForced: isForcing(choice) };
  }
  const jsonTool = {
    name: JSON_TOOL,
    description: 'Answers in JSON: call this with the answer.',
    input_schema: schema === 'any' ? { type: 'object' } : schema,
  };
  const choice = tools.length === 0 ? { type: 'tool', name: JSON_TOOL } : toolChoice(body);
  return {
    tools: [...tools, jsonTool],
    ...(choice === undefined ? {} : { tool_choice: choice }),
    isForced: isForcing(choice),
  };
}

/** Does the answer to this call come through the JSON tool? The readers ask: its arguments are content. */
export function usesJsonTool(body: ChatBody, traits: ModelTraits): boolean {
  const schema = jsonSchemaOf(body);
  return schema === 'any' || (schema !== undefined && !traits.nativeSchema);
}

/** The schema asked for; `any`: some JSON object. */
function jsonSchemaOf(body: ChatBody): Record<string, unknown> | 'any' | undefined {
  const format = recordOf(body['response_format']);
  if (format?.['type'] === 'json_object') return 'any';
  if (format?.['type'] !== 'json_schema') return undefined;
  return recordOf(recordOf(format['json_schema'])?.['schema']) ?? 'any';
}

function toolsOf({ source, body }: ChatParams, traits: ModelTraits): unknown[] {
  const name = Array.isArray(body['tools']) ? 'tools' : 'functions';
  const given = body[name];
  if (!Array.isArray(given)) return [];
  const at = valueAt(source, [name]);
  // Defaults of the configuration have no span in the source.
  const spans = at === undefined ? [] : elementsAt(source, at);
  return given.flatMap((each, index) => {
    const tool = recordOf(each) ?? {};
    const span = spans[index];
    const definition = name === 'functions' ? tool : recordOf(tool['function']);
    if (definition === undefined) {
      if (tool['custom'] !== undefined) return [];
      return [span === undefined ? tool : new RawJson(source.slice(span.start, span.end))];
    }
    const path = name === 'functions' ? ['parameters'] : ['function', 'parameters'];
    const schemaAt = span === undefined ? undefined : valueAt(source, path, span.start);
    const hasSchema = recordOf(definition['parameters']) !== undefined;
    return [
      {
        name: definition['name'],
        description: typeof definition['description'] === 'string' ? definition['description'] : undefined,
        input_schema: !hasSchema
          ? NO_PARAMETERS
          : schemaAt === undefined
            ? definition['parameters']
            : new RawJson(valueText(source, schemaAt)),
        strict: definition['strict'] === true && traits.nativeSchema ? true : undefined,
        ...cached(tool['cache_control'] ?? definition['cache_control']),
      },
    ];
  });
}

function toolChoice(body: ChatBody): Record<string, unknown> | undefined {
  const choice = chosen(body['tool_choice'] ?? body['function_call']);
  if (body['parallel_tool_calls'] !== false || choice?.['type'] === 'none') return choice;
  return { ...(choice ?? { type: 'auto' }), disable_parallel_tool_use: true };
}

function chosen(choice: unknown): Record<string, unknown> | undefined {
  switch (choice) {
    case 'auto':
    case 'none':
      return { type: choice };
    case 'required':
    case 'any':
      return { type: 'any' };
    default: {
      const named = recordOf(choice);
      const name = recordOf(named?.['function'])?.['name'] ?? named?.['name'];
      return typeof name === 'string' ? { type: 'tool', name } : undefined;
    }
  }
}

const isForcing = (choice: Record<string, unknown> | undefined): boolean =>
  choice?.['type'] === 'any' || choice?.['type'] === 'tool';
