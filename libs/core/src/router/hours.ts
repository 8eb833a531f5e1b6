/** A time of day that comes back daily; over midnight when it ends before it begins. Minutes since midnight. */
export interface Hours {
  readonly fromMinute: number;
  /** Not part of it. */
  readonly toMinute: number;
  /** IANA's name. */
  readonly timezone: string;
}

/** `08:00-18:00`, `22:00-06:00 Europe/Berlin`; without a place: UTC. Undefined: it is no such text. */
export function hoursOf(text: string): Hours | undefined {
  const [all, fromHour, fromMinute, toHour, toMinute, timezone = 'UTC'] =
    /^(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})(?:\s+(\S+))?$/.exec(text.trim()) ?? [];
  if (all === undefined) return undefined;
  const from = minuteOf(fromHour!, fromMinute!);
  const to = minuteOf(toHour!, toMinute!);
  if (from === undefined || to === undefined || from === to || !isTimezone(timezone)) return undefined;
  return { fromMinute: from, toMinute: to, timezone };
}

export function isWithin({ fromMinute, toMinute, timezone }: Hours, nowMs: number): boolean {
  const minute = minuteOfDay(nowMs, timezone);
  return fromMinute < toMinute ? minute >= fromMinute && minute < toMinute : minute >= fromMinute || minute < toMinute;
}

function minuteOf(hour: string, minute: string): number | undefined {
  const minutes = Number(hour) * 60 + Number(minute);
  return Number(minute) < 60 && minutes <= 1_440 ? minutes : undefined;
}

const clocks = new Map<string, Intl.DateTimeFormat>();

function minuteOfDay(nowMs: number, timezone: string): number {
  let clock = clocks.get(timezone);
  if (clock === undefined) {
    clock = new Intl.DateTimeFormat('en-GB', {
      timeZone: timezone,
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    });
    clocks.set(timezone, clock);
  }
  const [hour, minute] = clock.format(nowMs).split(':');
  return Number(hour) * 60 + Number(minute);
}

function isTimezone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en-GB', { timeZone: name }).format(0) !== '';
  } catch {
    return false;
  }
}
