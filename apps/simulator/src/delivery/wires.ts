import { STATUS_CODES, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** The way bytes leave. Calls come in the order head, body…, then finish or cut; a cut comes after what was sent. */
export interface Wire {
  head: (status: number, headers: readonly string[], length: number | null) => void;
  /** Nothing follows for a while: what was handed over goes out now. */
  flush: () => void;
  body: (bytes: Buffer) => void;
  /** `done` is called when it is. */
  finish: (done: () => void) => void;
  cut: (how: 'fin' | 'rst', done: () => void) => void;
  /** Forget what is not sent yet: the other side has gone. */
  abandon: () => void;
}

/** node:http's own writer: keeps the connection. */
export class PlainWire implements Wire {
  constructor(private readonly res: ServerResponse) {}

  head(status: number, headers: readonly string[], length: number | null): void {
    const framing = length === null ? ['transfer-encoding', 'chunked'] : ['content-length', String(length)];
    this.res.writeHead(status, [...headers, ...framing]);
  }

  flush(): void {
    this.res.flushHeaders();
  }

  body(bytes: Buffer): void {
    this.res.write(bytes);
  }

  finish(done: () => void): void {
    this.res.end();
    done();
  }

  cut(how: 'fin' | 'rst', done: () => void): void {
    const { socket } = this.res;
    done();
    if (socket !== null) afterWrites(socket, () => cutSocket(socket, how));
  }

  abandon(): void {}
}

export interface RawPace {
  headerByteMs?: number;
  bodyByteMs?: number;
  /** Size of the next write, given what is left of this part. */
  nextSize?: (left: number) => number;
  /** Bytes that content-length is off by. */
  lengthError?: number;
}

/**
 * Writes the response to the socket itself, which node:http would not let us spoil: a byte at a time, in odd pieces, under
 * a wrong content-length. The connection is closed afterwards.
 */
export class RawWire implements Wire {
  private readonly waiting: (Part | (() => void))[] = [];
  private timer: NodeJS.Timeout | NodeJS.Immediate | undefined;
  private isChunked = false;

  constructor(
    private readonly socket: Socket,
    private readonly pace: RawPace,
  ) {}

  head(status: number, headers: readonly string[], length: number | null): void {
    const { lengthError } = this.pace;
    // A stream under a wrong content-length: longer than anything that comes.
    const declared = lengthError === undefined ? length : Math.max(0, (length ?? 1_000_000) + lengthError);
    this.isChunked = declared === null;
    let text = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Unknown'}\r\n`;
    for (let i = 0; i < headers.length; i += 2) text += `${headers[i]}: ${headers[i + 1]}\r\n`;
    text += declared === null ? 'transfer-encoding: chunked\r\n' : `content-length: ${declared}\r\n`;
    this.push({ bytes: Buffer.from(`${text}connection: close\r\n\r\n`, 'latin1'), isHead: true });
  }

  flush(): void {}

  body(bytes: Buffer): void {
    if (bytes.length === 0) return;
    if (!this.isChunked) return this.push({ bytes, isHead: false });
    const size = Buffer.from(`${bytes.length.toString(16)}\r\n`);
    this.push({ bytes: Buffer.concat([size, bytes, Buffer.from('\r\n')]), isHead: false });
  }

  finish(done: () => void): void {
    if (this.isChunked) this.push({ bytes: Buffer.from('0\r\n\r\n'), isHead: false });
    this.push(() => {
      done();
      this.socket.end();
    });
  }

  cut(how: 'fin' | 'rst', done: () => void): void {
    this.push(() => {
      done();
      afterWrites(this.socket, () => cutSocket(this.socket, how));
    });
  }

  abandon(): void {
    this.waiting.length = 0;
    clearTimeout(this.timer as NodeJS.Timeout | undefined);
    clearImmediate(this.timer as NodeJS.Immediate | undefined);
  }

  private push(part: Part | (() => void)): void {
    this.waiting.push(part);
    if (this.timer === undefined) this.pump();
  }

  private pump(): void {
    this.timer = undefined;
    while (this.waiting.length > 0 && this.timer === undefined) {
      const next = this.waiting[0]!;
      if (typeof next === 'function') {
        this.waiting.shift();
        next();
        continue;
      }
      const everyMs = next.isHead ? this.pace.headerByteMs : this.pace.bodyByteMs;
      const size = this.sizeOf(next, everyMs);
      this.socket.write(next.bytes.subarray(0, size));
      next.bytes = next.bytes.subarray(size);
      if (next.bytes.length === 0) this.waiting.shift();
      if (everyMs !== undefined) this.timer = setTimeout(() => this.pump(), everyMs);
      else if (this.pace.nextSize !== undefined) this.timer = setImmediate(() => this.pump());
    }
  }

  private sizeOf({ bytes, isHead }: Part, everyMs: number | undefined): number {
    if (everyMs !== undefined) return 1;
    if (isHead || this.pace.nextSize === undefined) return bytes.length;
    return Math.max(1, Math.min(bytes.length, this.pace.nextSize(bytes.length)));
  }
}

interface Part {
  bytes: Buffer;
  isHead: boolean;
}

/** Runs once the kernel has what was written: a reset throws away what it has not. */
function afterWrites(socket: Socket, then: () => void): void {
  if (socket.writableLength === 0) setImmediate(then);
  else socket.write('', () => setImmediate(then));
}

export function cutSocket(socket: Socket, how: 'fin' | 'rst'): void {
  if (how === 'rst') socket.resetAndDestroy();
  else socket.destroy();
}
