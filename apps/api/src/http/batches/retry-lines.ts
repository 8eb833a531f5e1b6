import { isLineProblem, OPENAI_LINES, readBatchLine } from '@sluice/core';
import { readLines } from '@sluice/files';
import type { BatchRow } from '@sluice/store';
import type { KeptFiles } from '../files/kept-files.js';

const MOST_LINE_BYTES = 64 * 1024 * 1024;
/** Of what is read of a failed line: its custom_id, which the lines that we write have at their beginning. */
const idOf = (line: string): string => (JSON.parse(line) as { custom_id: string }).custom_id;

/** The lines of a batch's input that stand in its error file, as bytes of a new one. */
export async function* failedLines(
  { inputFileId, endpoint, errorFileId }: BatchRow & { errorFileId: string },
  files: Pick<KeptFiles, 'read'>,
): AsyncGenerator<Uint8Array> {
  const failed = new Set<string>();
  for await (const lines of readLines(await files.read({ id: errorFileId }), MOST_LINE_BYTES))
    for (const { bytes } of lines) failed.add(idOf(bytes!.toString()));
  for await (const lines of readLines(await files.read({ id: inputFileId }), MOST_LINE_BYTES)) {
    const again: Buffer[] = [];
    for (const { bytes } of lines) {
      const line = readBatchLine(bytes!.toString(), OPENAI_LINES(endpoint));
      if (!isLineProblem(line) && failed.has(line.customId)) again.push(bytes!, LINE_BREAK);
    }
    if (again.length > 0) yield Buffer.concat(again);
  }
}

const LINE_BREAK = Buffer.from('\n');
