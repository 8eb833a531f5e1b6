import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { LinkedSockets } from './linked-sockets.js';
import { temporaryFolder } from './sluice-process.js';

/** A Unix socket before a Redis, which takes bytes of the client's only as fast as the test says. Unix: small buffers. */
export class SlowLink {
  readonly url = join(temporaryFolder(), 'link.sock');
  private readonly sockets = new LinkedSockets();
  private readonly readers = new Set<Socket>();
  private isHeld = false;
  private restMs = 0;
  private readonly server = createServer((client) => this.join(client));

  /** @param to port on this machine or path of a Unix socket */
  constructor(private readonly to: number | string) {}

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.server.listen(this.url, resolve));
    return this;
  }

  /** Rests so long after each piece of up to 64 KiB. */
  slowTo(restMs: number): void {
    this.restMs = restMs;
  }

  /** Nothing gets through from the client; `release` lets it go. */
  hold(): void {
    this.isHeld = true;
    for (const reader of this.readers) reader.pause();
  }

  release(): void {
    this.isHeld = false;
    for (const reader of this.readers) reader.resume();
  }

  stop(): void {
    this.sockets.cut();
    this.server.close();
  }

  private join(client: Socket): void {
    const redis = typeof this.to === 'number' ? connect(this.to, '127.0.0.1') : connect(this.to);
    this.sockets.link(client, redis, (socket) => this.readers.delete(socket));
    this.readers.add(client);
    if (this.isHeld) client.pause();
    redis.pipe(client);
    client.on('data', (data) => {
      redis.write(data);
      if (this.restMs === 0) return;
      client.pause();
      setTimeout(() => this.isHeld || client.resume(), this.restMs);
    });
  }
}
