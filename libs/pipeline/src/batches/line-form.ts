import { ANTHROPIC_LINES, OPENAI_LINES, type LineForm } from '@sluice/core';
import type { BatchRow } from '@sluice/store';

export const lineFormOf = ({ dialect, endpoint }: Pick<BatchRow, 'dialect' | 'endpoint'>): LineForm =>
  dialect === 'anthropic' ? ANTHROPIC_LINES : OPENAI_LINES(endpoint);
