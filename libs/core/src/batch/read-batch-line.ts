import { membersAt } from '../json-span.js';

/** What a line looks like: OpenAI's and Anthropic's differ in a few names. */
export interface LineForm {
  /** Where the request's body stands. */
  body: 'body' | 'params';
  /** What `url` must say; undefined: such lines have none. */
  url: string | undefined;
  isCustomId: (id: string) => boolean;
}

/** In the words of OpenAI's `errors.data`. The message says what is wrong, and never quotes the line. */
export interface LineProblem {
  code: string;
  message: string;
  param: string | null;
}

export interface BatchLine {
  customId: string;
  /** Undefined: it is no object, which is the line's own failure and not the batch's. */
  body: Readonly<Record<string, unknown>> | undefined;
  /** Where the body stands in the text: what is run has numbers as they were written. */
  bodySpan: () => readonly [from: number, to: number];
}

const MOST_ID_CHARS = 512;
/** Providers give up on deeper ones, and so do recursive readers on the way. */
const MOST_LEVELS = 200;

export const OPENAI_LINES = (url: string): LineForm => ({
  body: 'body',
  url,
  isCustomId: (id) => id !== '' && id.length <= MOST_ID_CHARS,
});

export const ANTHROPIC_LINES: LineForm = {
  body: 'params',
  url: undefined,
  isCustomId: (id) => /^[A-Za-z0-9_-]{1,64}$/.test(id),
};

/** A line's text as a request of a batch, or why the file can be none. */
export function readBatchLine(text: string, form: LineForm): BatchLine | LineProblem {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { code: 'invalid_json_line', message: 'This line is not parseable as valid JSON.', param: null };
  }
  if (!isObject(value)) return { code: 'invalid_json_line', message: 'This line is no JSON object.', param: null };
  const { custom_id: customId, method, url } = value;
  if (typeof customId !== 'string' || !form.isCustomId(customId)) {
    const isMissing = customId === undefined || customId === null || customId === '';
    return {
      code: isMissing ? 'missing_required_parameter' : 'invalid_custom_id',
      message: isMissing ? 'custom_id is missing.' : 'custom_id is not a text of the allowed length and characters.',
      param: 'custom_id',
    };
  }
  if (form.url !== undefined && method !== undefined && method !== 'POST') {
    return { code: 'invalid_method', message: 'method must be POST.', param: 'method' };
  }
  if (form.url !== undefined && url !== form.url) {
    const isMissing = url === undefined || url === null;
    return {
      code: isMissing ? 'missing_required_parameter' : 'mismatched_url',
      message: `url must be the batch's endpoint, ${form.url}.`,
      param: 'url',
    };
  }
  const body = value[form.body];
  return {
    customId,
    body: isObject(body) && !isDeeperThan(body, MOST_LEVELS) ? body : undefined,
    bodySpan: () => {
      const span = membersAt(text).findLast(({ key }) => key === form.body)!; // of repeated keys the last counts
      return [span.valueStart, span.valueEnd];
    },
  };
}

export const isLineProblem = (read: BatchLine | LineProblem): read is LineProblem => 'code' in read;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function isDeeperThan(value: object, levels: number): boolean {
  if (levels === 0) return true;
  for (const member of Object.values(value) as unknown[]) {
    if (typeof member === 'object' && member !== null && isDeeperThan(member, levels - 1)) return true;
  }
  return false;
}
