import { headsOf, lineOf } from './config-error.js';
import type { Report, ReportRow } from './report.js';

/**
 * The three lists for the terminal, at start. What is applied is only counted, unless there is something to know about it;
 * the same sentence about the same key of many deployments is said once.
 */
export function formatReport(report: Report): string {
  const blocking = report.unsupported.filter((row) => row.blocking);
  const harmless = report.unsupported.filter((row) => !row.blocking);
  return [
    `Configuration: ${report.applied.length} settings applied, ${report.noEffect.length} without effect, ${report.unsupported.length} unsupported.`,
    ...list('Errors', report.errors),
    ...list('Unsupported, and calls would be served otherwise than written', blocking),
    ...list('Unsupported, harmless', harmless),
    ...list('No effect', report.noEffect),
    ...list(
      'Applied, but to know',
      report.applied.filter((row) => row.reason !== ''),
    ),
  ].join('\n');
}

function list(title: string, rows: readonly ReportRow[]): string[] {
  const alike = new Map<string, ReportRow[]>();
  for (const row of headsOf(rows)) {
    const key = JSON.stringify([row.reason, row.advice, row.path.replaceAll(/\[\d+\]/g, '[]')]);
    alike.set(key, [...(alike.get(key) ?? []), row]);
  }
  const lines = [...alike.values()].map(([first, ...more]) => {
    return `  ${lineOf(first!)}${more.length === 0 ? '' : ` [and ${more.length} more]`}`;
  });
  return lines.length === 0 ? [] : [`${title}:`, ...lines];
}
