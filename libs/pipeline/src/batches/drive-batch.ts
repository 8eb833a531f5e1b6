import { FileGone, InputCheck, isBatchOver } from '@sluice/core';
import type { BatchRow } from '@sluice/store';
import { INPUT_GONE, NotMineAnyMore, type BatchDeps } from './batch-deps.js';
import { lineFormOf } from './line-form.js';
import { runLines } from './run-lines.js';
import { writeOutput } from './write-output.js';

const MOST_LINES = { openai: 50_000, anthropic: 100_000 } as const;

/**
 * A batch from wherever it stands to its end: check the file, run the lines, write the output, tell it. The row in the
 * database says where it stands, so whoever comes after a crash goes on from there; every step can be repeated
 * (docs/decisions/0023-lines-run-once.md).
 * @param stop this process gives it back: what was begun is left as it is
 */
export async function driveBatch(batchId: string, stop: AbortSignal, deps: BatchDeps): Promise<void> {
  let batch = await deps.progress.begin(batchId);
  if (batch === undefined) return; // it was deleted
  try {
    if (batch.status === 'validating') batch = await validate(batch, stop, deps);
    if (batch.status === 'in_progress' || (batch.status === 'cancelling' && batch.total > 0))
      batch = await runLines(batch, stop, deps);
    if (!isBatchOver(batch.status)) batch = await writeOutput(batch, stop, deps);
    await deps.announce(batch);
    await deps.progress.announced(batch.id);
  } catch (error) {
    if (!(error instanceof NotMineAnyMore)) throw error;
  }
}

async function validate(batch: BatchRow, stop: AbortSignal, deps: BatchDeps): Promise<BatchRow> {
  const check = new InputCheck(lineFormOf(batch), MOST_LINES[batch.dialect]);
  const isThere = await readInput(batch, stop, deps, check);
  const problems = isThere ? check.problems : [INPUT_GONE];
  const { progress, nowMs } = deps;
  const { id, epoch } = batch;
  const next =
    problems.length > 0
      ? await progress.refused(id, epoch, problems, nowMs())
      : await progress.validated(id, epoch, check.lines, nowMs());
  return next ?? lookAgain(batch, deps); // cancelled in between
}

/** False: there is none any more. */
async function readInput(batch: BatchRow, stop: AbortSignal, deps: BatchDeps, check: InputCheck): Promise<boolean> {
  try {
    for await (const lines of deps.inputLines(batch.inputFileId)) {
      stop.throwIfAborted();
      for (const { number, bytes } of lines) check.push(number, bytes?.toString());
      if (check.isHopeless) break;
      await new Promise(setImmediate); // a large file is read in pieces; calls go on between them
    }
  } catch (error) {
    if (error instanceof FileGone) return false;
    throw error;
  }
  check.end();
  return true;
}

async function lookAgain({ id, epoch }: BatchRow, { progress }: BatchDeps): Promise<BatchRow> {
  const batch = await progress.look(id, epoch);
  if (batch === undefined) throw new NotMineAnyMore();
  return batch;
}
