import { startOf, type Progress } from '@sluice/core';
import type { Run } from '../run-deps.js';

/** What a run leaves for the next. */
export const writeProgress = ({ progress, attempts }: Run): string => JSON.stringify({ progress, attempts });

export function readProgress(text: string, group: string): { progress: Progress; attempts: number } {
  if (text === '') return { progress: startOf(group), attempts: 0 };
  return JSON.parse(text) as { progress: Progress; attempts: number };
}
