import {
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createInflateRaw,
  createZstdDecompress,
  constants,
} from 'node:zlib';

export interface BodyDecoder {
  write(chunk: Buffer): void;
  end(): void;
  pause(): void;
  resume(): void;
  close(): void;
}

interface DecoderEvents {
  onData: (chunk: Buffer) => void;
  onEnd: () => void;
  onError: () => void;
}

/**
 * Undoes a content-encoding that nobody asked for (requests say `identity`): gateways in between add one. A body that breaks
 * off gives what came until then: whether that was all is for the reader of the format to say. `undefined`: not known.
 */
export function decoderFor(coding: string, events: DecoderEvents): BodyDecoder | 'identity' | undefined {
  switch (coding.trim().toLowerCase()) {
    case '':
    case 'identity':
      return 'identity';
    case 'gzip':
    case 'x-gzip':
      return wrap(createGunzip({ finishFlush: constants.Z_SYNC_FLUSH }), events);
    case 'br':
      return wrap(createBrotliDecompress({ finishFlush: constants.BROTLI_OPERATION_FLUSH }), events);
    case 'zstd':
      return wrap(createZstdDecompress({ finishFlush: constants.ZSTD_e_flush }), events);
    case 'deflate':
      return new DeflateDecoder(events);
    default:
      return undefined;
  }
}

type Inflater = ReturnType<typeof createGunzip>;

function wrap(inflater: NodeJS.ReadWriteStream, { onData, onEnd, onError }: DecoderEvents): BodyDecoder {
  const stream = inflater as Inflater;
  stream.on('data', onData).on('end', onEnd).on('error', onError);
  return {
    write: (chunk) => void stream.write(chunk),
    end: () => void stream.end(),
    pause: () => void stream.pause(),
    resume: () => void stream.resume(),
    close: () => {
      stream.removeListener('error', onError).on('error', ignore).removeListener('end', onEnd);
      stream.destroy();
    },
  };
}

const ignore = (): void => {};

/** `deflate` means zlib, but some servers send it bare; the first byte tells. */
class DeflateDecoder implements BodyDecoder {
  private inner: BodyDecoder | undefined;

  constructor(private readonly events: DecoderEvents) {}

  write(chunk: Buffer): void {
    if (chunk.length === 0) return;
    const isZlib = ((chunk[0] ?? 0) & 0x0f) === 8;
    this.inner ??= wrap(
      isZlib
        ? createInflate({ finishFlush: constants.Z_SYNC_FLUSH })
        : createInflateRaw({ finishFlush: constants.Z_SYNC_FLUSH }),
      this.events,
    );
    this.inner.write(chunk);
  }

  end(): void {
    if (this.inner === undefined) this.events.onEnd();
    else this.inner.end();
  }

  pause(): void {
    this.inner?.pause();
  }

  resume(): void {
    this.inner?.resume();
  }

  close(): void {
    this.inner?.close();
  }
}
