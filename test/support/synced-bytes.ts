import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Redis } from 'ioredis';

const EVERY_MS = 10;
/** More than a second's worth: each waits for the next sync. */
const CONNECTIONS = 150;

/**
 * How much of an append-only file a power loss leaves: markers are written beside whatever else is, and the server says of
 * each when it is on disk. What lies behind the first of which it did not say so is taken for lost.
 */
export class SyncedBytes {
  private readonly idle: Redis[] = [];
  private readonly confirmed = new Set<number>();
  private readonly pending = new Set<Promise<unknown>>();
  private written = 0;
  private timer: NodeJS.Timeout | undefined;
  /** The file may hold those of an earlier one. */
  private readonly own = randomUUID();

  /** @param how what a server's word is worth: with `always`, each reply comes after its sync */
  constructor(
    private readonly url: string,
    private readonly how: 'always' | 'waitaof',
  ) {}

  async start(): Promise<this> {
    for (let i = 0; i < (this.how === 'always' ? 1 : CONNECTIONS); i++) {
      const redis = new Redis({ path: this.url, retryStrategy: () => null, enableReadyCheck: false });
      redis.on('error', () => undefined);
      await redis.ping();
      this.idle.push(redis);
    }
    this.timer = setInterval(() => this.write(), EVERY_MS);
    return this;
  }

  /** When the server is dead: all that it has said is heard. @returns bytes of the file that are on disk */
  async stop(file: string): Promise<number> {
    clearInterval(this.timer);
    await Promise.all(this.pending);
    const bytes = readFileSync(file);
    for (let n = 1; n <= this.written; n++) {
      if (this.confirmed.has(n)) continue;
      const at = bytes.indexOf(`${this.nameOf(n)}\r\n`);
      return at === -1 ? bytes.length : bytes.lastIndexOf('*3\r\n', at);
    }
    return bytes.length;
  }

  private write(): void {
    const redis = this.idle.pop();
    if (redis === undefined) return;
    const n = ++this.written;
    const writing = this.say(redis, n)
      .then((isSynced) => isSynced && this.confirmed.add(n))
      .catch(() => undefined)
      .finally(() => {
        this.idle.push(redis);
        this.pending.delete(writing);
      });
    this.pending.add(writing);
  }

  private async say(redis: Redis, n: number): Promise<boolean> {
    const set = redis.set(this.nameOf(n), '');
    if (this.how === 'always') return (await set) === 'OK';
    set.catch(() => undefined);
    const [here] = (await redis.call('WAITAOF', 1, 0, 0)) as [number, number];
    return here === 1;
  }

  private nameOf(n: number): string {
    return `test:${this.own}:${n}`;
  }
}
