import type { BatchSeen, Entry, LinesRead } from './entry.js';
import { entriesThat } from './entries-that.js';

/**
 * I1 for batches: what is over stays as it is, a line's answer never changes.
 * I2: each line that was taken in has one end, in one of the batch's files.
 */
export function* batchesThatBreak(log: readonly Entry[]): Generator<string> {
  const of = entriesThat(log);
  const files = Map.groupBy(of('lines'), ({ file }) => file);
  for (const [batch, seen] of Map.groupBy(of('batch'), (entry) => entry.batch)) {
    const overs = seen.filter(({ isOver }) => isOver);
    const [over] = overs;
    if (over === undefined) {
      yield `I2 the batch ${batch} has no end`;
      continue;
    }
    const different = new Set(overs.map(wordsOf));
    if (different.size > 1) yield `I1 the batch ${batch} changed after its end: ${[...different].join(' | ')}`;
    const later = seen.slice(seen.indexOf(over)).find(({ isOver }) => !isOver);
    if (later !== undefined) yield `I1 the batch ${batch} was ${over.status} and is ${later.status}`;
    if (over.completed + over.failed !== over.total)
      yield `I2 of ${over.total} lines of ${batch} ${over.completed + over.failed} have an end`;
    yield* linesThatBreak(over, files);
  }
  for (const [file, reads] of files) yield* changedLines(file, reads);
}

const wordsOf = ({ status, total, completed, failed, files }: BatchSeen): string =>
  `${status} ${completed}+${failed}/${total} ${files.join(' ')}`;

/** The files of a batch that is over, where somebody read them after its end. */
function* linesThatBreak(over: BatchSeen, files: ReadonlyMap<string, LinesRead[]>): Generator<string> {
  const counts = [over.completed, over.failed];
  const twice = new Set<string>();
  const all = new Set<string>();
  for (const [i, file] of over.files.entries()) {
    const read = file === null ? undefined : files.get(file)?.findLast(({ atMs }) => atMs >= over.atMs);
    if (read === undefined) continue;
    if (read.lines.length !== counts[i])
      yield `I2 ${over.batch} counts ${counts[i]} lines and shows ${read.lines.length}`;
    for (const { id } of read.lines) {
      if (all.has(id)) twice.add(id);
      all.add(id);
    }
  }
  if (twice.size > 0) yield `I1 lines of ${over.batch} have two ends: ${[...twice].slice(0, 5).join(', ')}`;
}

function* changedLines(file: string, reads: readonly LinesRead[]): Generator<string> {
  const first = new Map<string, string>();
  for (const { lines } of reads) {
    for (const { id, digest } of lines) {
      if ((first.get(id) ?? digest) !== digest) yield `I1 the line ${id} of ${file} changed`;
      first.set(id, digest);
    }
  }
}
