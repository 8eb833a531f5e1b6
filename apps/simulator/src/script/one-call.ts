import { object, orNull, ScriptError, whole } from './checks.js';
import { readFault } from './fault.js';
import type { Rule } from './script.js';

/** A rule that travels with a call, in a header or behind the model's name. `text` is what its counter goes by. */
export interface TravellingRule {
  text: string;
  rule: Rule;
}

const EVERY_CALL: Rule['match'] = {
  model: null,
  route: null,
  stream: null,
  nth: null,
  every: null,
  fromMs: null,
  toMs: null,
};

const travelling = object({
  do: (value, at) => (value === 'ok' ? ('ok' as const) : readFault(value, at)),
  times: orNull(whole(0)),
});

const ruleOf = (value: unknown, at: string): Rule => ({
  ...travelling(value, at),
  match: EVERY_CALL,
  probability: 1,
  sequence: null,
});

/** `x-sim-fault: {"do":{"kind":"overloaded"},"times":2}`. @throws ScriptError */
export function faultInHeader(header: string): TravellingRule {
  let value: unknown;
  try {
    value = JSON.parse(header);
  } catch {
    throw new ScriptError('x-sim-fault', 'x-sim-fault must be JSON like {"do":{"kind":"overloaded"},"times":2}.');
  }
  return { text: header, rule: ruleOf(value, 'x-sim-fault') };
}

/**
 * `gpt-4o~kind=overloaded~times=2`: the model without its suffix, and what the suffix asks for. A value is JSON where it
 * reads as JSON, else text; a key alone means true. @throws ScriptError
 */
export function faultInModel(name: string): { model: string; travelling?: TravellingRule } {
  const start = name.indexOf('~');
  if (start === -1) return { model: name };
  const suffix = name.slice(start);
  const fault: Record<string, unknown> = {};
  let times: unknown;
  for (const part of suffix.slice(1).split('~')) {
    const equals = part.indexOf('=');
    const key = equals === -1 ? part : part.slice(0, equals);
    const value = equals === -1 ? true : jsonOrText(part.slice(equals + 1));
    if (key === 'times') times = value;
    else fault[key] = value;
  }
  return { model: name.slice(0, start), travelling: { text: suffix, rule: ruleOf({ do: fault, times }, 'model~') } };
}

function jsonOrText(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}
