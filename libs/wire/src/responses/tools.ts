import { recordOf, stringOf } from '../record-of.js';
import { mustBe, unsupported } from './refusal.js';

type Json = Readonly<Record<string, unknown>>;

const FUNCTIONS_ONLY = 'only tools of type "function" are';

/**
 * `tools` and `tool_choice` in chat's form, where a function's members stand one level deeper. Without tools the members that
 * speak of them go too: OpenAI's chat refuses them then.
 */
export function chatTools({ tools: given, tool_choice: choice, parallel_tool_calls: parallel }: Json): Json {
  const tools = toolsOf(given);
  const chosen = chosenTools(choice, tools);
  if (tools.length === 0) return chosen['tool_choice'] === 'required' ? chosen : {};
  return { tools, ...chosen, ...(parallel === undefined ? {} : { parallel_tool_calls: parallel }) };
}

function chosenTools(choice: unknown, tools: ChatTool[]): Json {
  if (choice === undefined || choice === null) return {};
  if (choice === 'auto' || choice === 'none' || choice === 'required') return { tool_choice: choice };
  const chosen = recordOf(choice);
  switch (chosen?.['type']) {
    case undefined:
      throw mustBe('tool_choice', 'auto, none, required, or an object with a type');
    case 'function': {
      const name = stringOf(chosen!['name']);
      if (name === undefined) throw mustBe('tool_choice.name', 'a string');
      return { tool_choice: { type: 'function', function: { name } } };
    }
    case 'allowed_tools':
      return allowedTools(chosen!, tools);
    default:
      throw unsupported('tool_choice.type', chosen!['type'], FUNCTIONS_ONLY);
  }
}

interface ChatTool {
  type: 'function';
  function: Record<string, unknown>;
}

function toolsOf(tools: unknown): ChatTool[] {
  if (tools === undefined || tools === null) return [];
  if (!Array.isArray(tools)) throw mustBe('tools', 'an array');
  return tools.map((value, i) => {
    const at = `tools[${i}]`;
    const tool = recordOf(value);
    if (tool === undefined) throw mustBe(at, 'an object');
    if (tool['type'] !== 'function') throw unsupported(`${at}.type`, tool['type'], FUNCTIONS_ONLY);
    const { name, description, parameters, strict, cache_control: mark } = tool;
    if (typeof name !== 'string' || name === '') throw mustBe(`${at}.name`, 'a string');
    return {
      type: 'function',
      function: {
        name,
        ...(description === undefined || description === null ? {} : { description }),
        ...(parameters === undefined || parameters === null ? {} : { parameters }),
        ...(strict === undefined || strict === null ? {} : { strict }),
      },
      ...(mark === undefined ? {} : { cache_control: mark }),
    };
  });
}

/** Most providers have no such choice: the tools that are not allowed are left out instead, which is what it means. */
function allowedTools({ mode, tools: allowed }: Json, tools: ChatTool[]): Json {
  if (mode !== 'auto' && mode !== 'required') throw mustBe('tool_choice.mode', 'auto or required');
  if (!Array.isArray(allowed)) throw mustBe('tool_choice.tools', 'an array');
  const names = new Set(allowed.map((each) => recordOf(each)?.['name']));
  const left = tools.filter(({ function: { name } }) => names.has(name));
  if (left.length === 0) throw mustBe('tool_choice.tools', 'functions that stand in tools');
  return { tools: left, tool_choice: mode };
}
