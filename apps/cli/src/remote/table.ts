export type Cell = string | number | null | undefined;

/** Rows for people: columns as wide as their widest cell, numbers to the right, nothing as a dash. Control characters are shown as spaces: what a job holds must not steer a terminal. */
export function table(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const shown = rows.map((row) => row.map(textOf));
  const widths = head.map((title, i) => Math.max(title.length, ...shown.map((row) => row[i]!.length)));
  const isNumeric = head.map((_, i) => rows.length > 0 && rows.every((row) => typeof row[i] !== 'string'));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => (isNumeric[i] ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join('  ')
      .trimEnd();
  return [line(head), ...shown.map(line)].join('\n');
}

/** `name  value` lines; what is nothing is left out. */
export function sheet(entries: readonly (readonly [name: string, value: Cell])[]): string {
  const there = entries.filter(([, value]) => value !== null && value !== undefined && value !== '');
  const width = Math.max(0, ...there.map(([name]) => name.length));
  return there.map(([name, value]) => `${name.padEnd(width)}  ${textOf(value)}`).join('\n');
}

export const textOf = (cell: Cell): string =>
  cell === null || cell === undefined || cell === '' ? '-' : String(cell).replace(/\p{Cc}+/gu, ' ');

/** Of seconds since 1970. */
export const timeOf = (seconds: number | null | undefined): string | undefined =>
  seconds === null || seconds === undefined ? undefined : new Date(seconds * 1_000).toISOString().replace('.000Z', 'Z');

/** `850 ms`, `4.2 s`, `3 min`, `2.5 h`. */
export function durationOf(ms: number | null | undefined): string | undefined {
  if (ms === null || ms === undefined) return undefined;
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${Number((ms / 1_000).toFixed(1))} s`;
  if (ms < 7_200_000) return `${Math.round(ms / 60_000)} min`;
  return `${Number((ms / 3_600_000).toFixed(1))} h`;
}
