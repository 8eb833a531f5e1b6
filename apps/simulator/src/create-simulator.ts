import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { serveAdmin } from './admin.js';
import type { OpenCall } from './open-call.js';
import { readQuestion } from './question.js';
import type { Stats } from './profile.js';
import type { RequestFilter, RequestRecord } from './request-log.js';
import { routeOf } from './routes.js';
import { serveCall } from './serve-call.js';
import { World } from './world.js';

/** A provider that misbehaves on request. Routes, script and defaults: docs/simulator.md. */
export interface Simulator {
  readonly port: number;
  /** `http://127.0.0.1:PORT`; a profile's base URL is this and `/@NAME`. */
  readonly origin: string;
  /** @throws ScriptError that names the member; then nothing has changed. */
  setScript(script: unknown): void;
  /** Members left out come from the script; limits, rules and seeds count for this profile alone. @throws ScriptError */
  setProfile(name: string, script: unknown): void;
  /** Oldest first; the last 100,000. Records go on changing while their call runs. */
  requests(filter?: RequestFilter): RequestRecord[];
  stats(): Stats & { profiles: Record<string, Stats> };
  /** Counters, windows, log and statistics start over; scripts stay. */
  reset(): void;
  /** Open calls are cut, timers end. May be called twice. */
  stop(): Promise<void>;
}

export interface SimulatorOptions {
  /** 0, the default, picks a free one. */
  port?: number;
  /** Default 127.0.0.1. */
  host?: string;
  script?: unknown;
  profiles?: Record<string, unknown>;
  /** For scripts that name none. */
  seed?: number;
}

const MOST_BODY_BYTES = 128 * 1024 * 1024;
/** Longer than callers keep theirs, so that it is never this side that closes under a new call. */
const KEEP_ALIVE_MS = 300_000;

/** @throws ScriptError for a bad script; the listen error when the port is taken. */
export async function createSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const { port = 0, host = '127.0.0.1', script, profiles = {}, seed } = options;
  const world = new World(script, seed);
  for (const [name, own] of Object.entries(profiles)) world.setProfile(name, own);

  const open = new Set<OpenCall>();
  const sockets = new Set<Socket>();
  const server = createServer({ keepAlive: true }, (req, res) => {
    readBody(req, res, (body) => {
      try {
        serve(req, res, body);
      } catch (error) {
        // A mistake of the simulator's own must not look like a fault that was asked for.
        if (!res.headersSent) res.writeHead(500, { 'content-type': 'text/plain' });
        res.end(`The simulator failed: ${String(error)}`);
      }
    });
  });
  const serve = (req: IncomingMessage, res: ServerResponse, body: Buffer): void => {
    const { url = '/', method = 'GET' } = req;
    if (url.startsWith('/_sim/')) return serveAdmin(world, method, url, body, res);
    const isAnthropic = req.headers['anthropic-version'] !== undefined;
    const call = serveCall(world, readQuestion(routeOf(url, isAnthropic), method, req.headers, body), res);
    if (!call.isOpen) return;
    open.add(call);
    call.whenEnded = () => open.delete(call);
  };
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.requestTimeout = 0;
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => {}); // a client that resets is its own business
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const bound = (server.address() as AddressInfo).port;

  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    const closed = new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
    for (const call of open) call.abandon();
    for (const socket of sockets) socket.destroy();
    return closed;
  };
  return {
    port: bound,
    origin: `http://${host.includes(':') ? `[${host}]` : host === '0.0.0.0' ? '127.0.0.1' : host}:${bound}`,
    setScript: (next) => world.setScript(next),
    setProfile: (name, next) => world.setProfile(name, next),
    requests: (filter) => world.log.find(filter),
    stats: () => world.allStats(),
    reset: () => world.reset(),
    stop: () => (stopping ??= stop()),
  };
}

/** Most bodies come in one piece; larger ones are joined at the end. */
function readBody(req: IncomingMessage, res: ServerResponse, then: (body: Buffer) => void): void {
  const parts: Buffer[] = [];
  let size = 0;
  req.on('data', (part: Buffer) => {
    size += part.length;
    if (size <= MOST_BODY_BYTES) parts.push(part);
  });
  req.on('end', () => {
    if (size <= MOST_BODY_BYTES) return then(parts.length === 1 ? parts[0]! : Buffer.concat(parts));
    res.writeHead(413, { 'content-type': 'application/json', connection: 'close' });
    res.end('{"error":{"message":"The body is larger than the simulator takes.","type":"request_too_large"}}');
  });
}
