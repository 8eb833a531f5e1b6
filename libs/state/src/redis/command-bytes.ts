/** What one write to the socket holds at most; a longer argument goes out by itself. */
const CAPACITY = 65_536;
/** `*20\r\n` or `$65536\r\n` and the line end behind an argument. */
const FRAMING = 16;
/** Shorter strings are copied sign by sign: the call into C++ costs more. */
const COPIED_IN_PLACE = 48;
const LINE_END = Buffer.from('\r\n');

/**
 * Commands in RESP, each written straight into the bytes that leave. ioredis joins a string of pieces, which V8 flattens and
 * encodes for a second time at the socket, and asks for the length of each piece twice.
 */
export class CommandBytes {
  private bytes: Buffer = Buffer.allocUnsafeSlow(CAPACITY);
  private end = 0;
  /** Bytes that the socket is done with. */
  private spare: Buffer | undefined;
  private isOneAway = false;

  constructor(private readonly send: (bytes: Buffer, sent?: () => void) => void) {}

  /** @param args as ioredis has them once they are made arguments: strings or bytes. */
  append(name: string, args: readonly unknown[]): void {
    this.header(42 /* * */, args.length + 1);
    this.text(name);
    for (const arg of args) {
      if (typeof arg === 'string') this.text(arg);
      else if (Buffer.isBuffer(arg)) this.binary(arg);
      else this.text(String(arg));
    }
  }

  /** What somebody wrote past the commands, in its place between them. */
  raw(bytes: Buffer): void {
    this.copyOrSend(bytes);
  }

  /** Hands all that has been written to the socket. */
  flush(): void {
    if (this.end === 0) return;
    const { bytes, end } = this;
    this.end = 0;
    if (this.isOneAway) {
      // A socket that is stuck would else keep all of these bytes for each few of a turn.
      this.send(Buffer.from(bytes.subarray(0, end)));
      return;
    }
    this.isOneAway = true;
    this.bytes = this.spare ?? Buffer.allocUnsafeSlow(CAPACITY);
    this.send(bytes.subarray(0, end), () => {
      this.isOneAway = false;
      this.spare = bytes;
    });
  }

  private header(sign: number, count: number): void {
    if (CAPACITY - this.end < FRAMING) this.flush();
    const { bytes } = this;
    let at = this.end;
    bytes[at++] = sign;
    let unit = 1;
    while (unit * 10 <= count) unit *= 10;
    for (let rest = count; unit >= 1; unit = Math.floor(unit / 10)) {
      const digit = Math.floor(rest / unit);
      bytes[at++] = 48 + digit;
      rest -= digit * unit;
    }
    bytes[at++] = 13;
    bytes[at++] = 10;
    this.end = at;
  }

  private text(text: string): void {
    const { length } = text;
    if (3 * length + 2 * FRAMING > CAPACITY) {
      this.binary(Buffer.from(text));
      return;
    }
    if (CAPACITY - this.end < 3 * length + 2 * FRAMING) this.flush();
    const start = this.end;
    this.header(36 /* $ */, length);
    const { bytes } = this;
    const at = this.end;
    const written = length < COPIED_IN_PLACE ? copyAscii(text, bytes, at) : bytes.write(text, at);
    if (written !== length) {
      // not all ASCII: its bytes are more than its signs
      this.end = start;
      this.binary(Buffer.from(text));
      return;
    }
    bytes[at + length] = 13;
    bytes[at + length + 1] = 10;
    this.end = at + length + 2;
  }

  private binary(arg: Buffer): void {
    this.header(36 /* $ */, arg.length);
    this.copyOrSend(arg);
    this.copyOrSend(LINE_END);
  }

  private copyOrSend(bytes: Buffer): void {
    if (CAPACITY - this.end < bytes.length) this.flush();
    if (bytes.length > CAPACITY) {
      this.send(bytes);
      return;
    }
    bytes.copy(this.bytes, this.end);
    this.end += bytes.length;
  }
}

/** The number of bytes written, or -1 when the text has others than ASCII. */
function copyAscii(text: string, into: Buffer, at: number): number {
  const { length } = text;
  for (let i = 0; i < length; i++) {
    const sign = text.charCodeAt(i);
    if (sign > 127) return -1;
    into[at + i] = sign;
  }
  return length;
}
