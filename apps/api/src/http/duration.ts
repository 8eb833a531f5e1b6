const UNIT_MS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Seconds (`30`, `0.5`) or `500ms`, `15m`, `7d`, in ms; undefined for anything else. */
export function durationMs(value: unknown): number | undefined {
  if (typeof value === 'number') return value >= 0 && Number.isFinite(value) ? value * 1_000 : undefined;
  const match = typeof value === 'string' ? /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(value) : null;
  return match === null ? undefined : Number(match[1]) * UNIT_MS[match[2] ?? 's']!;
}
