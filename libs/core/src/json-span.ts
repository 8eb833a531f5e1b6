/**
 * Edits JSON text in place: finds members and elements by position and replaces, renames or cuts them, so that whatever is
 * not named keeps its bytes: whole numbers above 2^53, unknown members, `1.0`, spacing. The text must be valid JSON (it has
 * been through JSON.parse before); on other text the functions throw or return nonsense, but always return.
 */
export interface Member {
  key: string;
  keyStart: number;
  valueStart: number;
  valueEnd: number;
}

export interface Span {
  start: number;
  end: number;
}

/** `value`: JSON text that replaces the member's, or a new member. `rename`: only if the member is there. */
export type Change = { value: string } | { rename: string } | 'remove';
export type Changes = ReadonlyMap<string, Change>;

const QUOTE = 34;
const COMMA = 44;
const COLON = 58;
const OPEN_ARRAY = 91;
const BACKSLASH = 92;
const CLOSE_ARRAY = 93;
const OPEN_OBJECT = 123;
const CLOSE_OBJECT = 125;

/** Members of the object that starts at or after `at` (spaces may precede it), in order; repeated keys repeat. */
export function membersAt(text: string, at = 0): Member[] {
  const members: Member[] = [];
  let i = skipSpace(text, at);
  if (text.charCodeAt(i) !== OPEN_OBJECT) return members;
  i = skipSpace(text, i + 1);
  while (text.charCodeAt(i) === QUOTE) {
    const keyStart = i;
    const keyEnd = skipString(text, i);
    const valueStart = skipSpace(text, skipSpace(text, keyEnd) + 1);
    const valueEnd = skipValue(text, valueStart);
    members.push({ key: keyOf(text, keyStart, keyEnd), keyStart, valueStart, valueEnd });
    i = skipSpace(text, valueEnd);
    if (text.charCodeAt(i) !== COMMA) break;
    i = skipSpace(text, i + 1);
  }
  return members;
}

/** Elements of the array that starts at or after `at`. */
export function elementsAt(text: string, at: number): Span[] {
  const elements: Span[] = [];
  let i = skipSpace(text, at);
  if (text.charCodeAt(i) !== OPEN_ARRAY) return elements;
  i = skipSpace(text, i + 1);
  while (i < text.length && text.charCodeAt(i) !== CLOSE_ARRAY) {
    const end = skipValue(text, i);
    elements.push({ start: i, end });
    i = skipSpace(text, end);
    if (text.charCodeAt(i) !== COMMA) break;
    i = skipSpace(text, i + 1);
  }
  return elements;
}

/** Changes members of the object at `at`; members that are not there yet are appended in the order of `changes`. */
export function changeMembers(text: string, changes: Changes, at = 0): string {
  const open = skipSpace(text, at);
  if (text.charCodeAt(open) !== OPEN_OBJECT) return text;
  const members = membersAt(text, open);
  const parts: string[] = [];
  const seen = new Set<string>();
  let from = open + 1;
  for (const { key, keyStart, valueStart, valueEnd } of members) {
    const end = skipSpace(text, valueEnd);
    const change = changes.get(key);
    if (change === undefined) parts.push(text.slice(from, end));
    else if (change !== 'remove') {
      seen.add(key);
      if ('value' in change) parts.push(text.slice(from, valueStart) + change.value + text.slice(valueEnd, end));
      else parts.push(`${text.slice(from, keyStart)}${JSON.stringify(change.rename)}:${text.slice(valueStart, end)}`);
    }
    from = end + 1;
  }
  const close = members.length === 0 ? skipSpace(text, open + 1) : from - 1;
  for (const [key, change] of changes) {
    if (change !== 'remove' && 'value' in change && !seen.has(key))
      parts.push(`${JSON.stringify(key)}:${change.value}`);
  }
  return text.slice(0, open + 1) + parts.join(',') + text.slice(close);
}

/** Where the value at `path` starts; undefined when it is not there. Of repeated keys the last counts, as for JSON.parse. */
export function valueAt(text: string, path: readonly (string | number)[], at = 0): number | undefined {
  let i = skipSpace(text, at);
  for (const step of path) {
    const next =
      typeof step === 'number'
        ? elementsAt(text, i)[step]?.start
        : membersAt(text, i).findLast(({ key }) => key === step)?.valueStart;
    if (next === undefined) return undefined;
    i = next;
  }
  return i;
}

/** The value that starts at `start`, as text. */
export const valueText = (text: string, start: number): string => text.slice(start, skipValue(text, start));

/** Changes members of the object at `path`; no such object: the text as it is. */
export function changeMembersAt(text: string, path: readonly (string | number)[], changes: Changes): string {
  const at = valueAt(text, path);
  return at === undefined ? text : changeMembers(text, changes, at);
}

/** Keeps the elements of the array at `at` for which `keep` says so. */
export function filterElements(text: string, at: number, keep: (index: number) => boolean): string {
  const elements = elementsAt(text, at);
  const kept = elements.filter((_, index) => keep(index));
  if (kept.length === elements.length) return text;
  const end = skipValue(text, skipSpace(text, at));
  return `${text.slice(0, at)}[${kept.map((span) => text.slice(span.start, span.end)).join(',')}]${text.slice(end)}`;
}

/** Cuts what a path names: `a.b`, `tools[*].function.strict`, `messages[0].name`. Nothing there: the text as it is. */
export function removePath(text: string, path: string): string {
  const steps = path.match(/[^.[\]]+/g) ?? [];
  return steps.length === 0 ? text : removeSteps(text, skipSpace(text, 0), steps);
}

function removeSteps(text: string, at: number, steps: readonly string[]): string {
  const [step = '', ...rest] = steps;
  if (text.charCodeAt(at) === OPEN_OBJECT) {
    if (rest.length === 0) {
      return membersAt(text, at).some(({ key }) => key === step)
        ? changeMembers(text, new Map([[step, 'remove']]), at)
        : text;
    }
    // From the back, so that the positions in front stay true.
    return membersAt(text, at)
      .filter(({ key }) => key === step)
      .reduceRight((edited, { valueStart }) => removeSteps(edited, valueStart, rest), text);
  }
  if (text.charCodeAt(at) !== OPEN_ARRAY) return text;
  const chosen = (index: number): boolean => step === '*' || step === String(index);
  if (rest.length === 0) return filterElements(text, at, (index) => !chosen(index));
  return elementsAt(text, at).reduceRight(
    (edited, { start }, index) => (chosen(index) ? removeSteps(edited, start, rest) : edited),
    text,
  );
}

function keyOf(text: string, start: number, end: number): string {
  const raw = text.slice(start + 1, end - 1);
  return raw.includes('\\') ? (JSON.parse(text.slice(start, end)) as string) : raw;
}

function skipSpace(text: string, at: number): number {
  let i = at;
  for (;;) {
    const c = text.charCodeAt(i);
    if (c !== 32 && c !== 10 && c !== 13 && c !== 9) return i;
    i++;
  }
}

/** From an opening quote to behind the closing one. indexOf runs at memory speed, which matters for long prompts. */
function skipString(text: string, at: number): number {
  let end = text.indexOf('"', at + 1);
  while (end !== -1) {
    let before = end - 1;
    while (text.charCodeAt(before) === BACKSLASH) before--;
    if (((end - before) & 1) === 1) return end + 1;
    end = text.indexOf('"', end + 1);
  }
  return text.length;
}

function skipValue(text: string, at: number): number {
  const first = text.charCodeAt(at);
  if (first === QUOTE) return skipString(text, at);
  let i = at;
  if (first !== OPEN_OBJECT && first !== OPEN_ARRAY) {
    for (; i < text.length; i++) {
      const c = text.charCodeAt(i);
      if (c === COMMA || c === CLOSE_OBJECT || c === CLOSE_ARRAY || c === COLON || c <= 32) break;
    }
    return i;
  }
  let depth = 0;
  while (i < text.length) {
    const c = text.charCodeAt(i);
    if (c === QUOTE) {
      i = skipString(text, i);
      continue;
    }
    i++;
    if (c === OPEN_OBJECT || c === OPEN_ARRAY) depth++;
    else if ((c === CLOSE_OBJECT || c === CLOSE_ARRAY) && --depth === 0) return i;
  }
  return i;
}
