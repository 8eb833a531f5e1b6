import { startOf } from '@sluice/core';
import type { KeptLog } from '../attempt-log.js';
import type { Billed, Run } from '../run-deps.js';

/** What a run leaves for the next. */
export const writeProgress = ({ progress, attempts, billed, log }: Run): string =>
  JSON.stringify({ progress, attempts, billed, log: log?.state });

interface Kept extends Pick<Run, 'progress' | 'attempts'> {
  billed?: Billed;
  /** Of a durable job. */
  log?: KeptLog;
}

export function readProgress(text: string, group: string): Kept {
  if (text === '') return { progress: startOf(group), attempts: 0 };
  return JSON.parse(text) as Kept;
}
