export class FileTooLarge extends Error {
  override readonly name = 'FileTooLarge';

  constructor(readonly mostBytes: number) {
    super(`The file is larger than ${mostBytes / 1024 / 1024} MB.`);
  }
}

/** Passes on what comes. @throws FileTooLarge with the first byte too many, so that nobody stores what will not be kept */
export async function* atMost(source: AsyncIterable<Uint8Array>, mostBytes: number): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const piece of source) {
    bytes += piece.length;
    if (bytes > mostBytes) throw new FileTooLarge(mostBytes);
    yield piece;
  }
}
