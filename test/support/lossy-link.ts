import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { temporaryFolder } from './sluice-process.js';

/** How TCP shows a lost packet: what comes after it waits for it to be sent again. */
const RETRANSMISSION_MS = 300;

/**
 * A Unix socket before a Redis, as far away as the test says: each piece of bytes arrives after half a round trip, in
 * order, and some of them only after they were sent again.
 */
export class LossyLink {
  readonly url = join(temporaryFolder(), 'far.sock');
  private readonly sockets = new Set<Socket>();
  private readonly server = createServer((client) => this.join(client));
  private roundTripMs = 0;
  private loss = 0;

  /** @param to path of the Unix socket behind it */
  constructor(
    private readonly to: string,
    private readonly random: () => number,
  ) {}

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.server.listen(this.url, resolve));
    return this;
  }

  /** @param loss share of the pieces that are lost once */
  stretchTo(roundTripMs: number, loss: number): void {
    Object.assign(this, { roundTripMs, loss });
  }

  stop(): void {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
  }

  private join(client: Socket): void {
    const redis = connect(this.to);
    this.carry(client, redis);
    this.carry(redis, client);
  }

  private carry(from: Socket, to: Socket): void {
    const underWay: Buffer[] = []; // timers of unlike lengths may fire in another order
    let lastAtMs = 0;
    this.sockets.add(from);
    from.on('error', () => undefined);
    from.on('close', () => {
      this.sockets.delete(from);
      to.destroy();
    });
    from.on('data', (piece) => {
      const nowMs = performance.now();
      const lostMs = this.random() < this.loss ? RETRANSMISSION_MS : 0;
      lastAtMs = Math.max(lastAtMs, nowMs + this.roundTripMs / 2 + lostMs);
      underWay.push(piece);
      setTimeout(() => to.write(underWay.shift()!), lastAtMs - nowMs);
    });
  }
}
