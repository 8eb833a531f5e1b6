import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { LinkedSockets } from './linked-sockets.js';
import { temporaryFolder } from './sluice-process.js';

const WAITAOF = /\*4\r\n\$7\r\nWAITAOF\r\n\$1\r\n1\r\n\$1\r\n0\r\n\$\d+\r\n\d+\r\n/g;
/** Sent in its place, so that its reply comes in its turn. */
const ECHO = '*2\r\n$4\r\nECHO\r\n$9\r\nheld-sync\r\n';
const ECHOED = '$9\r\nheld-sync\r\n';

/**
 * A Unix socket before a Redis 7.0, which makes of it one that knows `WAITAOF` and syncs when the test says: what a server
 * does that CI has not. A server that has it is in test/faults/full.
 */
export class HeldSyncs {
  readonly url = join(temporaryFolder(), 'held.sock');
  /** Rounds that were asked for. */
  asked = 0;
  /** Syncs come at once. */
  isOpen = true;
  private readonly held: ((synced: 0 | 1) => void)[] = [];
  private readonly sockets = new LinkedSockets();
  private readonly server = createServer((client) => this.join(client));

  /** @param to path of a Unix socket */
  constructor(private readonly to: string) {}

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.server.listen(this.url, resolve));
    return this;
  }

  get waiting(): number {
    return this.held.length;
  }

  /** Whatever waits is told. @param synced 0: Redis has waited in vain */
  sync(synced: 0 | 1 = 1): void {
    for (const tell of this.held.splice(0)) tell(synced);
  }

  /** Every connection breaks, as when the server dies. */
  cut(): void {
    this.held.length = 0;
    this.sockets.cut();
  }

  stop(): void {
    this.cut();
    this.server.close();
  }

  private join(client: Socket): void {
    const redis = connect(this.to);
    this.sockets.link(client, redis);
    client.on('data', (data: Buffer) => redis.write(data.toString('latin1').replaceAll(WAITAOF, ECHO), 'latin1'));
    redis.on('data', (data: Buffer) => {
      const [before = '', ...behind] = data.toString('latin1').replace('redis_version:7.0.', 'redis_version:8.0.').split(ECHOED); // prettier-ignore
      if (before !== '') client.write(before, 'latin1');
      for (const rest of behind) this.hold(client, rest);
    });
  }

  private hold(client: Socket, rest: string): void {
    this.asked++;
    const tell = (synced: 0 | 1): void => void client.write(`*2\r\n:${synced}\r\n:0\r\n${rest}`, 'latin1');
    if (this.isOpen) tell(1);
    else this.held.push(tell);
  }
}
