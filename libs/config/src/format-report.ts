import { headsOf, lineOf } from './config-error.js';
import { NOT_YET } from './report-book.js';
import type { Report, ReportRow } from './report.js';

const LINE = 140;

/**
 * The three lists for the terminal, at start. What is applied is only counted, unless there is something to know about it;
 * the same sentence about the same key of many deployments is said once.
 */
export function formatReport(report: Report): string {
  const blocking = report.unsupported.filter((row) => row.blocking);
  const harmless = report.unsupported.filter((row) => !row.blocking);
  return [
    `Configuration: ${report.applied.length} settings applied, ${headsOf(report.noEffect).length} without effect, ${headsOf(report.unsupported).length} unsupported.`,
    ...list('Errors', report.errors),
    ...list('Unsupported, and calls would be served otherwise than written (remove, or --allow-unsupported)', blocking),
    ...list(
      'Unsupported, harmless',
      harmless.filter((row) => row.reason !== NOT_YET),
    ),
    ...names(
      'Unsupported, harmless, and not in this version yet',
      harmless.filter((row) => row.reason === NOT_YET),
    ),
    ...list('No effect', report.noEffect),
    ...list(
      'Applied, but to know',
      report.applied.filter((row) => row.reason !== ''),
    ),
  ].join('\n');
}

function list(title: string, rows: readonly ReportRow[]): string[] {
  const lines = alike(rows).map(({ row, more }) => `  ${lineOf(row)}${more}`);
  return lines.length === 0 ? [] : [`${title}:`, ...lines];
}

/** Places and keys alone, several on a line: there is nothing to do about them. */
function names(title: string, rows: readonly ReportRow[]): string[] {
  const lines: string[] = [];
  for (const { row, more } of alike(rows)) {
    const name = `${row.file}:${row.line} ${row.path}${more}`;
    const last = lines.at(-1);
    if (last !== undefined && last.length + name.length < LINE) lines[lines.length - 1] = `${last}, ${name}`;
    else lines.push(`  ${name}`);
  }
  return lines.length === 0 ? [] : [`${title}:`, ...lines];
}

/** The first of those that say the same of the same key of many deployments, and how many more there are. */
function alike(rows: readonly ReportRow[]): { row: ReportRow; more: string }[] {
  const kinds = Map.groupBy(headsOf(rows), ({ reason, advice, path }) =>
    JSON.stringify([reason, advice, path.replaceAll(/\[\d+\]/g, '[]')]),
  );
  return [...kinds.values()].map(([row, ...others]) => {
    return { row: row!, more: others.length === 0 ? '' : ` [and ${others.length} more]` };
  });
}
