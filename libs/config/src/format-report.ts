import { lineOf } from './config-error.js';
import type { Report, ReportRow } from './report.js';

/** The three lists for the terminal, at start. What is applied is only counted: the rest is what one must know. */
export function formatReport(report: Report): string {
  const blocking = report.unsupported.filter((row) => row.blocking);
  const harmless = report.unsupported.filter((row) => !row.blocking);
  const parts = [
    `Configuration: ${report.applied.length} settings applied, ${report.noEffect.length} without effect, ${report.unsupported.length} unsupported.`,
    ...list('Errors', report.errors),
    ...list('Unsupported, and calls would be served otherwise than written', blocking),
    ...list('Unsupported, harmless', harmless),
    ...list('No effect', report.noEffect),
  ];
  return parts.join('\n');
}

function list(title: string, rows: readonly ReportRow[]): string[] {
  const heads = rows.filter((row) => !rows.some((other) => isInside(row, other)));
  return heads.length === 0 ? [] : [`${title}:`, ...heads.map((row) => `  ${lineOf(row)}`)];
}

/** A member of a map that shares its map's fate needs no line of its own. */
function isInside(row: ReportRow, other: ReportRow): boolean {
  if (row === other || row.file !== other.file || row.reason !== other.reason) return false;
  return row.path.startsWith(`${other.path}.`) || row.path.startsWith(`${other.path}[`);
}
