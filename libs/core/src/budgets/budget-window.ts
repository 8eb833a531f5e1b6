const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 } as const;

export interface BudgetPeriod {
  readonly count: number;
  readonly unit: keyof typeof UNIT_MS | 'mo' | 'y';
}

/** Unix ms; the end belongs to the next window. */
export interface BudgetWindow {
  readonly startMs: number;
  readonly endMs: number;
}

const WORDS: Readonly<Record<string, BudgetPeriod>> = {
  hourly: { count: 1, unit: 'h' },
  daily: { count: 1, unit: 'd' },
  weekly: { count: 1, unit: 'w' },
  monthly: { count: 1, unit: 'mo' },
  yearly: { count: 1, unit: 'y' },
};

/** `30s 30m 30h 30d 2w 1mo`, or a word as published examples write it; undefined when it is neither. */
export function budgetPeriodOf(text: string): BudgetPeriod | undefined {
  const match = /^(\d{1,6})(s|m|h|d|w|mo|y)$/.exec(text.trim());
  if (match === null) return WORDS[text.trim()];
  const count = Number(match[1]);
  return count === 0 ? undefined : { count, unit: match[2] as BudgetPeriod['unit'] };
}

/**
 * The window that holds `nowMs`. A day (`1d`, `24h`) begins at midnight, a week (`7d`, `1w`) on Monday, a month (`30d`, `1mo`)
 * on the first, a year on 1 January, in the time zone of the configuration. Every other length is cut from 1970 on, so that
 * all processes of a cluster agree on the windows without asking each other. Source: LITELLM.md 6.
 * @param timeZone IANA name
 */
export function budgetWindow(period: BudgetPeriod, timeZone: string, nowMs: number): BudgetWindow {
  const { count, unit } = calendarOf(period);
  const today = dateAt(nowMs, timeZone);
  const from = (year: number, month: number, day: number): number => startOfDay(year, month, day, timeZone);
  switch (unit) {
    case 'd':
      if (count === 1) return { startMs: from(...today), endMs: from(today[0], today[1], today[2] + 1) };
      break;
    case 'w':
      if (count === 1) {
        const monday = today[2] - ((new Date(Date.UTC(...today)).getUTCDay() + 6) % 7);
        return { startMs: from(today[0], today[1], monday), endMs: from(today[0], today[1], monday + 7) };
      }
      break;
    case 'mo': {
      const months = today[0] * 12 + today[1];
      const first = months - (months % count);
      return { startMs: from(0, first, 1), endMs: from(0, first + count, 1) };
    }
    case 'y': {
      const year = today[0] - (today[0] % count);
      return { startMs: from(year, 0, 1), endMs: from(year + count, 0, 1) };
    }
    case 's':
    case 'm':
    case 'h':
      break;
  }
  const lengthMs = count * UNIT_MS[unit];
  const startMs = Math.floor(nowMs / lengthMs) * lengthMs;
  return { startMs, endMs: startMs + lengthMs };
}

function calendarOf({ count, unit }: BudgetPeriod): BudgetPeriod {
  if (unit === 'h' && count === 24) return { count: 1, unit: 'd' };
  if (unit === 'd' && count === 7) return { count: 1, unit: 'w' };
  if (unit === 'd' && count === 30) return { count: 1, unit: 'mo' };
  return { count, unit };
}

/** Year, month from 0, day. */
type LocalDate = [year: number, month: number, day: number];

function dateAt(ms: number, timeZone: string): LocalDate {
  const local = new Date(ms + offsetAt(ms, timeZone));
  return [local.getUTCFullYear(), local.getUTCMonth(), local.getUTCDate()];
}

/** Days and months may overflow, as in `Date.UTC`. */
function startOfDay(year: number, month: number, day: number, timeZone: string): number {
  // Date.UTC takes years below 100 for 19xx.
  const asUtc = new Date(0).setUTCFullYear(year, month, day);
  const guess = asUtc - offsetAt(asUtc, timeZone);
  return asUtc - offsetAt(guess, timeZone);
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** How far the zone's clocks are ahead of UTC then, ms. */
function offsetAt(ms: number, timeZone: string): number {
  if (timeZone === 'UTC') return 0;
  let format = formats.get(timeZone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    formats.set(timeZone, format);
  }
  const parts = Object.fromEntries(format.formatToParts(ms).map(({ type, value }) => [type, Number(value)]));
  const { year, month, day, hour, minute, second } = parts as Record<Intl.DateTimeFormatPartTypes, number>;
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(ms / 1_000) * 1_000;
}
