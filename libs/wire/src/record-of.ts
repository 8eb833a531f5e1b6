/** A JSON object by its members; undefined for all else, arrays too. */
export function recordOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
}

export const stringOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
