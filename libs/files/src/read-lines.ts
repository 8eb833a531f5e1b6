/** One line of a JSONL file that has anything in it. */
export interface FileLine {
  /** Of the file, from 1; blank lines count. */
  number: number;
  /** Without its end. Undefined: it is longer than lines may be. */
  bytes: Buffer | undefined;
}

const NEWLINE = 10;
const BOM = Buffer.from([0xef, 0xbb, 0xbf]);

/**
 * The lines of a file, in the pieces in which they come, in memory one line and one piece at a time. Blank lines are left
 * out; a line that is too long is told without its bytes.
 */
export async function* readLines(source: AsyncIterable<Uint8Array>, mostLineBytes: number): AsyncGenerator<FileLine[]> {
  let number = 1;
  let begun: Buffer[] = [];
  let begunBytes = 0;
  const endLine = (last: Buffer): FileLine | undefined => {
    const length = begunBytes + last.length;
    const isTooLong = length > mostLineBytes;
    const bytes = isTooLong ? undefined : begun.length === 0 ? last : Buffer.concat([...begun, last], length);
    const line = { number, bytes: number === 1 && bytes !== undefined ? withoutBom(bytes) : bytes };
    number++;
    begun = [];
    begunBytes = 0;
    return isTooLong || !isBlank(line.bytes!) ? line : undefined;
  };
  for await (const piece of source) {
    const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
    const lines: FileLine[] = [];
    let from = 0;
    for (let at = bytes.indexOf(NEWLINE); at !== -1; at = bytes.indexOf(NEWLINE, from)) {
      const line = endLine(bytes.subarray(from, at));
      if (line !== undefined) lines.push(line);
      from = at + 1;
    }
    const rest = bytes.subarray(from);
    begunBytes += rest.length;
    if (begunBytes > mostLineBytes) begun = [];
    else if (rest.length > 0) begun.push(Buffer.from(rest)); // a copy: the piece is as large as many lines
    if (lines.length > 0) yield lines;
  }
  const last = endLine(Buffer.alloc(0));
  if (last !== undefined) yield [last];
}

const withoutBom = (bytes: Buffer): Buffer => (bytes.subarray(0, 3).equals(BOM) ? bytes.subarray(3) : bytes);

function isBlank(bytes: Buffer): boolean {
  for (const byte of bytes) if (byte !== 32 && byte !== 9 && byte !== 13) return false;
  return true;
}
