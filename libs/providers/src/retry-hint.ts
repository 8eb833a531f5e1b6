/** Lower-case names. */
export type HeaderMap = Readonly<Record<string, string | undefined>>;

const DAY_MS = 86_400_000;
const HTTP_DATE =
  /^(?:[a-z]{3}, \d{2} [a-z]{3} \d{4} \d{2}:\d{2}:\d{2} gmt|[a-z]{6,9}, \d{2}-[a-z]{3}-\d{2} \d{2}:\d{2}:\d{2} gmt|[a-z]{3} [a-z]{3} [ \d]\d \d{2}:\d{2}:\d{2} \d{4})$/i;
const RFC_3339 = /^\d{4}-\d{2}-\d{2}t\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:z|[+-]\d{2}:\d{2})$/i;
const GO_DURATION = /^(?:\d+(?:\.\d+)?(?:h|ms|m|s|us|µs|ns))+$/;
const NUMBER = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i;
const IN_WORDS = /(?:retry|try again) (?:after|in) (\d+(?:\.\d+)?) ?(ms|milliseconds?|s|m)/i;
const UNIT_MS: Readonly<Record<string, number>> = {
  h: 3_600_000,
  m: 60_000,
  s: 1_000,
  ms: 1,
  us: 1e-3,
  µs: 1e-3,
  ns: 1e-6,
};

/**
 * How long a provider asks us to wait, in ms, 0..24 h; undefined when it does not say. `retry-after-ms`, then `retry-after`
 * as seconds or HTTP date, then the reset of a limit that has nothing left, then the message's words. What cannot be read is
 * passed over, since the header may say anything. Source: WIRE.md 2.
 */
export function retryAfterMsOf(headers: HeaderMap, message: string, nowMs: number): number | undefined {
  const wait =
    numberOf(headers['retry-after-ms']) ??
    secondsOrDate(headers['retry-after'], nowMs) ??
    resetOfSpentLimit(headers, nowMs) ??
    inWords(message);
  return wait === undefined ? undefined : Math.ceil(Math.min(Math.max(wait, 0), DAY_MS));
}

/** When a limit is full again, ms from now: Go duration (`6m0s`), RFC 3339, epoch ms, epoch s, or seconds. */
export function resetMsOf(value: string | undefined, nowMs: number): number | undefined {
  const text = value?.trim();
  if (text === undefined || text === '') return undefined;
  const number = numberOf(text);
  if (number !== undefined) {
    if (number > 1e12) return number - nowMs;
    return number > 1e9 ? number * 1_000 - nowMs : number * 1_000;
  }
  if (RFC_3339.test(text)) return dateMs(text, nowMs);
  if (!GO_DURATION.test(text)) return undefined;
  let ms = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|s|us|µs|ns)/g)) {
    ms += Number(amount) * (UNIT_MS[unit ?? ''] ?? 0);
  }
  return ms;
}

function resetOfSpentLimit(headers: HeaderMap, nowMs: number): number | undefined {
  let latest: number | undefined;
  for (const name in headers) {
    if (!name.includes('ratelimit') || !name.includes('remaining') || numberOf(headers[name]) !== 0) continue;
    const reset = resetMsOf(headers[name.replace('remaining', 'reset')], nowMs);
    if (reset !== undefined && (latest === undefined || reset > latest)) latest = reset;
  }
  return latest;
}

function secondsOrDate(value: string | undefined, nowMs: number): number | undefined {
  const seconds = numberOf(value);
  if (seconds !== undefined) return seconds * 1_000;
  const text = value?.trim();
  return text !== undefined && (HTTP_DATE.test(text) || RFC_3339.test(text)) ? dateMs(text, nowMs) : undefined;
}

/** An asctime date has no zone and means GMT; V8 would take it as local. */
function dateMs(text: string, nowMs: number): number | undefined {
  const ms = Date.parse(/^[a-z]{3} /i.test(text) ? `${text} GMT` : text);
  return Number.isNaN(ms) ? undefined : ms - nowMs;
}

function inWords(message: string): number | undefined {
  const match = IN_WORDS.exec(message);
  if (match === null) return undefined;
  const unit = (match[2] ?? '').toLowerCase();
  return Number(match[1]) * (unit.startsWith('mil') ? 1 : (UNIT_MS[unit] ?? 1_000));
}

/** V8's Number() also reads `0x10`, ` ` and `Infinity`; a header means none of them. */
export function numberOf(value: string | undefined): number | undefined {
  const text = value?.trim();
  if (text === undefined || !NUMBER.test(text)) return undefined;
  const number = Number(text);
  return Number.isFinite(number) ? number : undefined;
}
