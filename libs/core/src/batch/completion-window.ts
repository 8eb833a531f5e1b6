const UNIT_MS = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const LEAST_MS = UNIT_MS.m;
const MOST_MS = 7 * UNIT_MS.d;

/** `24h`, `90m`, `7d` in ms; undefined: not such a text, or not from 1m to 7d. */
export function completionWindowMs(text: string): number | undefined {
  const match = /^(\d{1,6})([mhd])$/.exec(text);
  if (match === null) return undefined;
  const ms = Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS];
  return ms >= LEAST_MS && ms <= MOST_MS ? ms : undefined;
}
