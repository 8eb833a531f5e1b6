import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Received {
  path: string;
  headers: IncomingHttpHeaders;
  /** The bytes as they came: what signatures are of. */
  body: string;
}

/** What a path answers; by default 200. */
export type HookAnswer = (res: ServerResponse, received: Received) => void;

/** Somebody's web server, which takes webhooks. */
export class HookReceiver {
  private readonly server: Server;
  private readonly answers = new Map<string, HookAnswer>();
  readonly all: Received[] = [];
  private readonly open = new Map<string, number>();
  private readonly most = new Map<string, number>();

  constructor() {
    this.server = createServer((req, res) => {
      const parts: Buffer[] = [];
      req.on('data', (part: Buffer) => parts.push(part));
      req.on('end', () => {
        const path = req.url!;
        const received = { path, headers: req.headers, body: Buffer.concat(parts).toString() };
        this.all.push(received);
        const now = (this.open.get(path) ?? 0) + 1;
        this.open.set(path, now);
        this.most.set(path, Math.max(now, this.most.get(path) ?? 0));
        res.on('close', () => this.open.set(path, this.open.get(path)! - 1));
        const answer = this.answers.get(path);
        if (answer === undefined) res.end('ok');
        else answer(res, received);
      });
    });
  }

  async start(): Promise<this> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return this;
  }

  url(path: string): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}${path}`;
  }

  /** From now on; undefined: 200. */
  answer(path: string, answer: HookAnswer | undefined): void {
    if (answer === undefined) this.answers.delete(path);
    else this.answers.set(path, answer);
  }

  got(path: string): Received[] {
    return this.all.filter((received) => received.path === path);
  }

  /** Side by side, so far. */
  mostAtOnce(path: string): number {
    return this.most.get(path) ?? 0;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((closed) => this.server.close(closed));
  }
}

export const status =
  (code: number, headers: Record<string, string> = {}): HookAnswer =>
  (res) =>
    res.writeHead(code, headers).end();
