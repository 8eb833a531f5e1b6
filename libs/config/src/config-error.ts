import { GO_WITHOUT } from './report-book.js';
import type { Report, ReportRow } from './report.js';

/**
 * The configuration or the environment cannot be started with. The message has one line per problem,
 * `file:line path: sentence`, and never a secret.
 */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  constructor(
    readonly report: Report,
    /** The configuration file could not be opened at all. */
    readonly isUnreadable = false,
    /** All files that were looked for: who waits for a better configuration watches them. */
    readonly paths: readonly string[] = [],
  ) {
    super(linesOf(report).join('\n'));
  }
}

function linesOf(report: Report): string[] {
  const blocking = headsOf(report.unsupported.filter((row) => row.blocking));
  const lines = [...report.errors, ...blocking].map(lineOf);
  if (blocking.length > 0 && report.errors.length === 0) {
    lines.push(
      `${blocking.length} setting${blocking.length === 1 ? '' : 's'} above would not be kept: remove ${blocking.length === 1 ? 'it' : 'them'}, or start with --allow-unsupported to go on without.`,
    );
  }
  return lines;
}

/** `config.yaml:12 router_settings.num_retries: must be …; what to do`. A row without a place is its sentence alone. */
export function lineOf({ file, line, path, reason, advice }: ReportRow): string {
  const told = advice === '' || advice === GO_WITHOUT ? '' : ` (${advice})`;
  const where = line === 0 ? '' : `${file}:${line}${path === '' ? '' : ` ${path}`}: `;
  return where + reason + told;
}

/** Without the members of a map or list that share its fate: they need no line of their own. */
export function headsOf<Row extends ReportRow>(rows: readonly Row[]): Row[] {
  return rows.filter((row) => !rows.some((other) => isInside(row, other)));
}

function isInside(row: ReportRow, other: ReportRow): boolean {
  if (row === other || row.file !== other.file || row.reason !== other.reason) return false;
  return row.path.startsWith(`${other.path}.`) || row.path.startsWith(`${other.path}[`);
}

/** A problem that stands in no file: in the environment, on the command line, on the disk. */
export function rowWithoutPlace(path: string, sentence: string): ReportRow {
  return { file: '', line: 0, path, type: 'string', reason: sentence, advice: '' };
}
