import {
  type Check,
  isObject,
  list,
  mustBe,
  nonEmptyList,
  number,
  object,
  oneOf,
  orNull,
  ScriptError,
  text,
  whole,
  withDefault,
} from './checks.js';
import { type Fault, readFault } from './fault.js';

/** What the simulator does, with every default filled in. Members, units and defaults: docs/simulator.md. */
export type Script = ReturnType<typeof readMembers>;
export type Rule = Script['rules'][number];
export type AnswerScript = Script['answer'];
export type LimitScript = Script['limits'];
export type LatencyScript = Script['latency'];
/** An entry of `do` and `sequence`: a fault, or nothing wrong. */
export type Deed = Fault | 'ok';

const deed: Check<Deed> = (value, at) => (value === 'ok' ? value : readFault(value, at));

/** Arguments may be written as an object for convenience; on the wire they are a string. */
const toolArguments: Check<string> = (value, at) => {
  if (typeof value === 'string') return value;
  if (isObject(value)) return JSON.stringify(value);
  throw mustBe(at, 'an object, or a string that is sent as it stands', value);
};

const DEFAULT_ANSWER_TOKENS = 50;
const MINUTE_MS = 60_000;

const members = {
  latency: object({ p50: orNull(number(0)), p95: orNull(number(0)), p99: orNull(number(0)) }),
  answer: object({
    text: orNull(text),
    tokens: withDefault(DEFAULT_ANSWER_TOKENS, whole(0, 10_000_000)),
    toolCalls: withDefault([], list(object({ name: text, arguments: withDefault('{}', toolArguments) }))),
    reasoning: orNull(text),
    finish: withDefault('stop', text),
    cachedTokens: withDefault(0, whole(0)),
    prefill: withDefault('continue', oneOf('continue', 'ignore', 'reject')),
    goesOn: withDefault('after', oneOf('after', 'again', 'otherwise', 'overlapping')),
  }),
  limits: object({
    rpm: orNull(whole(0)),
    tpm: orNull(whole(0)),
    concurrency: orNull(whole(0)),
    windowMs: withDefault(MINUTE_MS, number(1)),
    window: withDefault('fixed', oneOf('fixed', 'sliding')),
    retryAfter: withDefault('s', oneOf('s', 'ms', 'date', 'body', 'none')),
  }),
  auth: object({
    key: orNull(text),
    sigv4: orNull<never>((_value, at) => {
      throw new ScriptError(at, `${at} belongs to Bedrock, which the simulator does not speak yet; leave it out.`);
    }),
  }),
  rule: object({
    match: object({
      model: orNull(text),
      route: orNull(text),
      stream: orNull<boolean>((value, at) => {
        if (typeof value === 'boolean') return value;
        throw mustBe(at, 'true or false', value);
      }),
      nth: orNull(nonEmptyList(whole(1))),
      every: orNull(whole(1)),
      fromMs: orNull(number(0)),
      toMs: orNull(number(0)),
    }),
    probability: withDefault(1, number(0, 1)),
    times: orNull(whole(0)),
    do: orNull(deed),
    sequence: orNull(nonEmptyList(deed)),
  }),
};

const rule: Check<ReturnType<typeof members.rule>> = (value, at) => {
  const read = members.rule(isObject(value) ? { ...value, match: value['match'] ?? {} } : value, at);
  if (read.do === null && read.sequence === null) {
    throw new ScriptError(at, `${at} says nothing to do: give it do, or sequence.`);
  }
  if (read.do !== null && read.sequence !== null) {
    throw new ScriptError(`${at}.sequence`, `${at} has do and sequence: give it one of them.`);
  }
  if (read.match.fromMs !== null && read.match.toMs !== null && read.match.toMs <= read.match.fromMs) {
    throw mustBe(`${at}.match.toMs`, `above fromMs (${read.match.fromMs})`, read.match.toMs);
  }
  return read;
};

const latency: typeof members.latency = (value, at) => {
  const read = members.latency(value, at);
  const given = (['p50', 'p95', 'p99'] as const).filter((name) => read[name] !== null);
  if (given.length > 0 && read.p50 === null)
    throw mustBe(`${at}.p50`, 'a number, since it is what p95 and p99 start from', undefined);
  for (let i = 1; i < given.length; i++) {
    const [lower, upper] = [read[given[i - 1]!]!, read[given[i]!]!];
    if (upper < lower) throw mustBe(`${at}.${given[i]}`, `at least ${given[i - 1]} (${lower})`, upper);
    if (upper > 0 && read.p50 === 0) throw mustBe(`${at}.p50`, `above 0 when ${given[i]} is`, 0);
  }
  return read;
};

const readMembers = object({
  seed: withDefault(1, whole(0, 0xffff_ffff)),
  latency: (value, at) => latency(value ?? {}, at),
  tokensPerSecond: orNull(number(0.001)),
  tokensPerChunk: withDefault(1, whole(1)),
  log: withDefault('full', oneOf('full', 'meta', 'none')),
  answer: (value, at) => members.answer(value ?? {}, at),
  limits: (value, at) => members.limits(value ?? {}, at),
  auth: (value, at) => members.auth(value ?? {}, at),
  rules: withDefault([], list(rule)),
});

/** @throws ScriptError naming the member, and what was expected there. */
export const readScript = (value: unknown): Script => readMembers(value ?? {}, '');

/** JSON merge patch (RFC 7396): objects merge, null takes a member away, all else replaces. */
export function patched(script: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const result: Record<string, unknown> = isObject(script) ? { ...script } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else result[name] = patched(result[name], value);
  }
  return result;
}
