const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** A longer one is not kept. */
const MOST_KEY_BYTES = 64;

/**
 * Cuts `{"requests": [ELEMENT, …]}` into its elements as it comes, so that 256 MB of it never are in memory. Each element is
 * given as one line: in JSON a raw line break is only ever a space between tokens. What an element is, is not looked at; of
 * the rest just so much as tells where the list begins and ends.
 *
 *     before ─{─► members ─"requests":[─► list ─]─► members ─}─► after
 */
export class SplitRequests {
  /** What is wrong with all that stands around the elements. */
  problem: string | undefined;
  private at: 'before' | 'members' | 'list' | 'after' = 'before';
  private depth = 0;
  private isInString = false;
  private isEscaped = false;
  private key: number[] = [];
  private isKey = true;
  private hasList = false;
  private element: Buffer[] = [];
  private elementBytes = 0;
  private isInElement = false;

  /** @param take gets each element; undefined: it was larger than `mostBytes` */
  constructor(
    private readonly mostBytes: number,
    private readonly take: (line: Buffer | undefined) => void,
  ) {}

  push(bytes: Uint8Array): void {
    let from = 0;
    for (let i = 0; i < bytes.length && this.problem === undefined; i++) {
      const byte = bytes[i]!;
      if (this.at !== 'list') this.outside(byte);
      else {
        const wasIn = this.isInElement;
        this.inside(byte);
        if (!wasIn && this.isInElement) from = i;
        if (wasIn && !this.isInElement) this.keep(bytes.subarray(from, i), true);
      }
    }
    if (this.isInElement) this.keep(bytes.subarray(from), false);
  }

  /** No more bytes. */
  end(): void {
    if (this.problem !== undefined) return;
    if (this.at !== 'after') this.problem = 'The body is not valid JSON: it ends too early.';
    else if (!this.hasList) this.problem = 'requests: must be an array of requests.';
  }

  private outside(byte: number): void {
    if (this.at === 'before') {
      if (isSpace(byte)) return;
      if (byte === OPEN_OBJECT) this.at = 'members';
      else this.problem = 'The body must be a JSON object.';
      return;
    }
    if (this.at === 'after') {
      if (!isSpace(byte)) this.problem = 'The body is not valid JSON: something stands behind its end.';
      return;
    }
    if (this.isInString) {
      if (this.isKey && this.depth === 0 && byte !== QUOTE && this.key.length < MOST_KEY_BYTES) this.key.push(byte);
      this.string(byte);
      return;
    }
    switch (byte) {
      case QUOTE:
        this.isInString = true;
        if (this.isKey && this.depth === 0) this.key = [];
        break;
      case COLON:
        if (this.depth === 0) this.isKey = false;
        break;
      case COMMA:
        if (this.depth === 0) this.isKey = true;
        break;
      case OPEN_ARRAY:
        if (this.depth === 0 && this.isRequests()) this.at = 'list';
        else this.depth++;
        break;
      case OPEN_OBJECT:
        this.depth++;
        break;
      case CLOSE_ARRAY:
      case CLOSE_OBJECT:
        if (this.depth === 0) this.at = 'after';
        else this.depth--;
        break;
      default:
    }
  }

  private isRequests(): boolean {
    if (this.isKey || Buffer.from(this.key).toString() !== 'requests') return false;
    if (this.hasList) this.problem = 'requests: must be given once.';
    this.hasList = true;
    return true;
  }

  private inside(byte: number): void {
    if (!this.isInElement) {
      if (isSpace(byte) || byte === COMMA) return;
      if (byte === CLOSE_ARRAY) {
        this.at = 'members';
        return;
      }
      this.isInElement = true;
      this.depth = 0;
    }
    if (this.isInString) return this.string(byte);
    switch (byte) {
      case QUOTE:
        this.isInString = true;
        break;
      case OPEN_ARRAY:
      case OPEN_OBJECT:
        this.depth++;
        break;
      case COMMA:
        if (this.depth === 0) this.isInElement = false;
        break;
      case CLOSE_ARRAY:
      case CLOSE_OBJECT:
        if (this.depth > 0) this.depth--;
        else {
          this.isInElement = false;
          this.at = 'members';
        }
        break;
      default:
    }
  }

  private string(byte: number): void {
    if (this.isEscaped) this.isEscaped = false;
    else if (byte === BACKSLASH) this.isEscaped = true;
    else if (byte === QUOTE) this.isInString = false;
  }

  private keep(bytes: Uint8Array, isLast: boolean): void {
    this.elementBytes += bytes.length;
    if (this.elementBytes > this.mostBytes) this.element = [];
    else this.element.push(Buffer.from(bytes)); // a copy: a piece would keep its whole chunk
    if (!isLast) return;
    const isTooLarge = this.elementBytes > this.mostBytes;
    const line = isTooLarge ? undefined : onOneLine(Buffer.concat(this.element));
    this.element = [];
    this.elementBytes = 0;
    this.take(line);
  }
}

const isSpace = (byte: number): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

function onOneLine(bytes: Buffer): Buffer {
  for (const lineBreak of [0x0a, 0x0d]) {
    for (let i = bytes.indexOf(lineBreak); i !== -1; i = bytes.indexOf(lineBreak, i + 1)) bytes[i] = 0x20;
  }
  return bytes;
}
