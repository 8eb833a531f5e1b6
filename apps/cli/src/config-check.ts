import { checkSettings, formatReport } from '@sluice/config';

/**
 * `sluice config check FILE`: what each key of a configuration would do here, without starting anything.
 * @returns The exit status: 0 it would start, 1 errors or blocking rows, 2 the file cannot be read.
 */
export function checkConfig(
  file: string,
  { env, cwd, asJson }: { env: NodeJS.ProcessEnv; cwd: string; asJson: boolean },
): { status: 0 | 1 | 2; text: string } {
  const { report, isUnreadable } = checkSettings({ env, cwd, args: { config: file } });
  const text = asJson ? JSON.stringify(report, undefined, 2) : formatReport(report);
  if (isUnreadable) return { status: 2, text };
  const isBlocked = report.errors.length > 0 || report.unsupported.some((row) => row.blocking);
  return { status: isBlocked ? 1 : 0, text };
}
