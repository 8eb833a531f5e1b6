import { rescueOf } from '@sluice/core';
import type { Run, RunDeps } from '../run-deps.js';

/** What becomes of an answer that breaks off after content: the job's own word, else that of its group. */
export const midstreamOf = ({ job }: Run, { policy }: RunDeps): 'continue' | 'error' | 'restart' =>
  job.durable?.midstream ?? rescueOf(policy, job.group).midstream;
