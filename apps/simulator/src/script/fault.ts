import { type Check, flag, isObject, list, mustBe, number, oneOf, ScriptError, sparse, text, whole } from './checks.js';

/**
 * What a provider can do to a call: the failure kinds of DESIGN.md 3, less those that only a caller can cause. The first
 * ten are answers in the format's own status and body; the last four have no answer of their own and are played.
 */
export const REPLY_KINDS = [
  'bad_request',
  'auth',
  'permission',
  'not_found',
  'context_length',
  'content_filter',
  'rate_limit',
  'quota_exhausted',
  'overloaded',
  'server',
] as const;
export const PLAYED_KINDS = ['timeout', 'network', 'stream_broken', 'malformed'] as const;

export type ReplyKind = (typeof REPLY_KINDS)[number];
export type FaultKind = ReplyKind | (typeof PLAYED_KINDS)[number];

export const isReplyKind = (kind: FaultKind): kind is ReplyKind => REPLY_KINDS.some((known) => known === kind);

/** One `do`. Every member is optional, and absent means that it does not happen. */
export type Fault = ReturnType<typeof readFault>;

/** A header's value, several of them, or null to leave a header out that would be there. */
const headerValues: Check<string | readonly string[] | null> = (value, at) => {
  if (value === null) return null;
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return headerText(value, at);
  if (Array.isArray(value)) return list(headerText)(value, at);
  throw mustBe(at, 'a string, an array of strings, or null', value);
};

/** No line breaks: a header must not become two. */
const headerText: Check<string> = (value, at) => {
  if (/^[\t\x20-\x7e\x80-\xff]*$/.test(text(value, at))) return value as string;
  throw mustBe(at, 'a string without control characters', value);
};

const headers: Check<Record<string, string | readonly string[] | null>> = (value, at) => {
  if (!isObject(value)) throw mustBe(at, 'an object of header names and values', value);
  return Object.fromEntries(
    Object.entries(value).map(([name, values]) => {
      if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) throw mustBe(at, 'an object of header names and values', value);
      return [name.toLowerCase(), headerValues(values, `${at}.${name}`)];
    }),
  );
};

const body: Check<string> = (value, at) => {
  if (typeof value === 'string') return value;
  if (isObject(value) || Array.isArray(value)) return JSON.stringify(value);
  throw mustBe(at, 'a string, or JSON that is sent as it stands', value);
};

/** `false` says the same as leaving the member out. */
const badLength: Check<number | false> = (value, at) => {
  if (value === false || Number.isInteger(value)) return value as number | false;
  if (value === true) return DEFAULT_BAD_LENGTH;
  throw mustBe(at, 'true, or a whole number of bytes that content-length is off by', value);
};
const DEFAULT_BAD_LENGTH = 16;

const contentType: Check<string | readonly string[]> = (value, at) => {
  const checked = headerValues(value, at);
  if (checked === null) throw mustBe(at, 'a string, or an array of strings ([] for none)', value);
  return checked;
};

const comesLater =
  (where: string): Check<never> =>
  (_value, at) => {
    throw new ScriptError(at, `${at} belongs to ${where}, which the simulator does not speak yet; leave it out.`);
  };

const LONGEST_MS = 86_400_000;
const milliseconds = number(0, LONGEST_MS);

const shape = {
  // instead of an answer
  kind: oneOf<FaultKind>(...REPLY_KINDS, ...PLAYED_KINDS),
  status: whole(200, 599),
  headers,
  body,
  retryAfterMs: number(-Number.MAX_SAFE_INTEGER),
  hang: flag,
  resetBeforeHeaders: flag,
  // with it
  delayHeadersMs: milliseconds,
  headerByteMs: milliseconds,
  bodyByteMs: milliseconds,
  resetAfterHeaders: flag,
  contentType,
  gzip: flag,
  badLength,
  splitBytes: whole(1),
  crlf: flag,
  comments: flag,
  unknownEvents: flag,
  fuzz: flag,
  lineBytes: whole(1, 64 * 1024 * 1024),
  badCrc: comesLater('Bedrock'),
  noDone: flag,
  noFinish: flag,
  noUsage: flag,
  // after k chunks of content
  stallAfter: whole(0),
  stallMs: milliseconds,
  cutAfter: whole(0),
  cutHow: oneOf('fin', 'rst'),
  malformedAfter: whole(0),
  errorAfter: whole(0),
};

const members = sparse(shape);
export const FAULT_MEMBERS: readonly string[] = Object.keys(shape);

/** @throws ScriptError naming the member, and what was expected there. */
export const readFault = (value: unknown, at: string) => {
  const fault = members(value, at);
  if (fault.stallMs !== undefined && fault.stallAfter === undefined) {
    throw new ScriptError(`${at}.stallMs`, `${at}.stallMs needs stallAfter: after how many chunks?`);
  }
  if (fault.cutHow !== undefined && fault.cutAfter === undefined) {
    throw new ScriptError(`${at}.cutHow`, `${at}.cutHow needs cutAfter: after how many chunks?`);
  }
  if (fault.errorAfter !== undefined && fault.kind !== undefined && !isReplyKind(fault.kind)) {
    throw mustBe(`${at}.kind`, `one of ${REPLY_KINDS.join(', ')} when errorAfter is set`, fault.kind);
  }
  return fault;
};

/** After `played`. True when the fault stands in place of the answer, so that no limit is asked and no answer is made. */
export const replacesAnswer = (fault: Fault): boolean =>
  fault.hang === true ||
  fault.resetBeforeHeaders === true ||
  fault.status !== undefined ||
  fault.body !== undefined ||
  (fault.retryAfterMs !== undefined && fault.errorAfter === undefined) ||
  (fault.kind !== undefined && fault.errorAfter === undefined && isReplyKind(fault.kind));

/** The kinds that have no answer of their own, as what shows them. */
export function played(fault: Fault): Fault {
  if (fault.kind === 'timeout') return { ...fault, hang: true };
  if (fault.kind === 'network') return { ...fault, resetBeforeHeaders: true };
  if (fault.kind === 'stream_broken') return { cutAfter: 1, ...fault };
  if (fault.kind === 'malformed') return { malformedAfter: 0, ...fault };
  return fault;
}

const TO_AN_ANSWER = new Set<string>([
  'stallAfter',
  'stallMs',
  'cutAfter',
  'cutHow',
  'malformedAfter',
  'errorAfter',
  'lineBytes',
  'kind',
]);

/** For a refusal that is not the fault's own: what is done to the wire stays, what happens to an answer goes. */
export const ofTheWire = (fault: Fault): Fault =>
  Object.fromEntries(Object.entries(fault).filter(([name]) => !TO_AN_ANSWER.has(name)));
