import { createHash, type Hash } from 'node:crypto';

const HELD_CHARS = 64 * 1024;

/**
 * SHA-256 of a JSON value in its canonical form (RFC 8785: members sorted by name, no spaces), so that a client which writes
 * the same body in another order repeats the same call. In hex.
 */
export function fingerprintOf(value: unknown): string {
  const hash = createHash('sha256');
  const writer = new HashedText(hash);
  write(value, writer);
  writer.flush();
  return hash.digest('hex');
}

/** SHA-256 of some words that hold no NUL, in hex: nobody can make two lists that read alike. */
export const digestOf = (...words: readonly (string | Buffer)[]): string => {
  const hash = createHash('sha256');
  for (const word of words) hash.update(word).update('\0');
  return hash.digest('hex');
};

/** Text on its way into a hash, some at a time: a body of 32 MiB is not built once more as one string. */
class HashedText {
  private held = '';
  constructor(private readonly hash: Hash) {}

  add(text: string): void {
    this.held += text;
    if (this.held.length > HELD_CHARS) this.flush();
  }

  flush(): void {
    this.hash.update(this.held);
    this.held = '';
  }
}

function write(value: unknown, text: HashedText): void {
  if (typeof value !== 'object' || value === null) return text.add(JSON.stringify(value));
  if (Array.isArray(value)) {
    text.add('[');
    value.forEach((element, i) => {
      if (i > 0) text.add(',');
      write(element, text);
    });
    return text.add(']');
  }
  const members = value as Readonly<Record<string, unknown>>;
  text.add('{');
  Object.keys(members)
    .toSorted()
    .forEach((name, i) => {
      text.add(`${i > 0 ? ',' : ''}${JSON.stringify(name)}:`);
      write(members[name], text);
    });
  text.add('}');
}
