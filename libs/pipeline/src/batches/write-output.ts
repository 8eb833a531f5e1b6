import {
  FileGone,
  isLineProblem,
  lastStatus,
  lineJobId,
  outputFileId,
  readBatchLine,
  type BatchEnding,
} from '@sluice/core';
import type { BatchRow } from '@sluice/store';
import { BATCH_DIALECTS, type LineEnd } from '@sluice/wire';
import { INPUT_GONE, NotMineAnyMore, type BatchDeps } from './batch-deps.js';
import { lineFormOf } from './line-form.js';
import { resultPages } from './result-pages.js';

/** How lines end that were never begun. */
interface Rest {
  end: 'cancelled' | 'expired';
}

const FAILED: readonly LineEnd[] = ['errored', 'cancelled', 'expired'];

/**
 * Writes the files of a batch whose lines are done, or will not be done any more, and its terminal state with them. Done a
 * second time, after a crash, it writes the same files under the same ids.
 */
export async function writeOutput(batch: BatchRow, stop: AbortSignal, deps: BatchDeps): Promise<BatchRow> {
  const { progress, storage, nowMs } = deps;
  const { id, epoch, dialect, succeeded, errored, cancelled, expired } = batch;
  const finalizing = await progress.finalizing(id, epoch, nowMs());
  if (finalizing === undefined) throw new NotMineAnyMore();
  const unrun = batch.total - succeeded - errored - cancelled - expired;
  const ending = endingOf(finalizing);
  const status = lastStatus(ending, unrun + cancelled + expired);
  const unrunEnd =
    unrun > 0 ? { end: ending === 'cancelled' ? ('cancelled' as const) : ('expired' as const) } : undefined;
  const { splitsErrors } = BATCH_DIALECTS[dialect];

  const write = async (sort: 'output' | 'error', ends: readonly LineEnd[], rest: Rest | undefined) => {
    const key = outputFileId(id, batch.createdAtMs, sort);
    const bytes = await storage.write(key, fileOf(finalizing, ends, rest, stop, deps));
    const endedAtMs = nowMs();
    return {
      id: key,
      tenant: batch.tenant,
      purpose: 'batch_output',
      filename: `${id}_${sort}.jsonl`,
      bytes,
      createdAtMs: endedAtMs,
      expiresAtMs: endedAtMs + batch.outputKeptMs,
    };
  };
  const writeAll = async (rest: Rest | undefined) => {
    const failed = errored + cancelled + expired + (rest === undefined ? 0 : unrun);
    if (!splitsErrors) {
      const ends = ['succeeded', ...FAILED] as const;
      return { output: batch.total > 0 ? await write('output', ends, rest) : undefined, errors: undefined };
    }
    return {
      output: succeeded > 0 ? await write('output', ['succeeded'], undefined) : undefined,
      errors: failed > 0 ? await write('error', FAILED, rest) : undefined,
    };
  };
  const written = await writeAll(unrunEnd).catch((error: unknown) => {
    if (error instanceof FileGone) return undefined;
    throw error;
  });
  const isOut = ending === 'cancelled' || nowMs() >= batch.expiresAtMs;
  const end =
    written === undefined // what lines were never begun stood in the input
      ? { ...(await writeAll(undefined)), status: isOut ? status : ('failed' as const), problem: INPUT_GONE }
      : { ...written, status };
  const over = await progress.finish(id, epoch, { ...end, endedAtMs: nowMs(), unrun });
  if (over === undefined) throw new NotMineAnyMore();
  return over;
}

const endingOf = ({ status, total, succeeded, errored, cancelled, expired }: BatchRow): BatchEnding | undefined => {
  if (status === 'cancelling') return 'cancelled';
  return expired > 0 || succeeded + errored + cancelled < total ? 'expired' : undefined;
};

/** Lines of such ends, and with `rest` those that were never begun, in the order of the input. */
async function* fileOf(
  batch: BatchRow,
  ends: readonly LineEnd[],
  rest: Rest | undefined,
  stop: AbortSignal,
  deps: BatchDeps,
): AsyncGenerator<Buffer> {
  const pages = resultPages(batch.id, ends, deps.results);
  if (rest === undefined) {
    for await (const page of pages) {
      stop.throwIfAborted();
      yield Buffer.from(page.map(({ content }) => `${content}\n`).join(''));
    }
    return;
  }
  const done = new Set(await deps.results.doneLines(batch.id));
  let page = await pages.next();
  let at = 0;
  for await (const lines of deps.inputLines(batch.inputFileId)) {
    stop.throwIfAborted();
    let text = '';
    for (const { number, bytes } of lines) {
      if (!done.has(number)) {
        text += `${unrunLine(batch, number, bytes!, rest.end)}\n`;
        continue;
      }
      if (page.done === true || page.value[at]!.line !== number) continue; // of another end
      text += `${page.value[at]!.content}\n`;
      if (++at < page.value.length) continue;
      page = await pages.next();
      at = 0;
    }
    if (text !== '') yield Buffer.from(text);
  }
}

function unrunLine(batch: BatchRow, number: number, bytes: Buffer, end: 'cancelled' | 'expired'): string {
  const line = readBatchLine(bytes.toString(), lineFormOf(batch));
  const customId = isLineProblem(line) ? '' : line.customId; // it was checked
  const jobId = lineJobId(batch.id, number, batch.createdAtMs, 0);
  return BATCH_DIALECTS[batch.dialect].unrun({ customId, jobId }, end);
}
