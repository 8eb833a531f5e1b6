import type { InputProblem } from '@sluice/core';
import type { FileLine, FileStorage } from '@sluice/files';
import type { JobRecords, LineRecords } from '@sluice/queue';
import type { BatchProgress, BatchResults, BatchRow } from '@sluice/store';
import type { DurableDeps } from '../submit-durable.js';
import type { RecordDeps } from './record-lines.js';

/** What driving a batch works with. */
export interface BatchDeps extends RecordDeps {
  progress: Pick<
    BatchProgress,
    'begin' | 'look' | 'validated' | 'refused' | 'advance' | 'finalizing' | 'finish' | 'announced' | 'running'
  >;
  results: Pick<BatchResults, 'contexts' | 'write' | 'doneLines' | 'doneBetween' | 'page'>;
  storage: Pick<FileStorage, 'write'>;
  /** Of a stored file, as `readLines` in libs/files has them. */
  inputLines: (fileId: string) => AsyncIterable<FileLine[]>;
  records: Pick<JobRecords, 'cancel'>;
  lines: Pick<LineRecords, 'read' | 'free' | 'look'>;
  /** As it is when it is asked for: the configuration may be another by the next line. */
  submit: () => DurableDeps;
  numberOfGroup: (group: string) => Promise<number>;
  /** Jobs that one group's workers run at a time. */
  capacity: () => number;
  /** Of late somebody waited for a call that this process ran, or another one for these groups. */
  isCalled: (groups: ReadonlySet<string>) => Promise<boolean>;
  /** Tells the webhooks that a batch is over. Safe to repeat. */
  announce: (batch: BatchRow) => Promise<void>;
  nowMs: () => number;
}

/** Somebody else drives it by now: whatever this one has not written yet is theirs to write. */
export class NotMineAnyMore extends Error {
  override readonly name = 'NotMineAnyMore';
}

/** Why a batch fails whose input was taken away beneath it. */
export const INPUT_GONE: InputProblem = {
  code: 'input_file_gone',
  line: null,
  message: 'The input file is not there any more.',
  param: 'input_file_id',
};
