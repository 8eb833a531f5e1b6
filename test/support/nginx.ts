import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { eventually } from '../eventually.js';
import { temporaryFolder } from './sluice-process.js';

const CONFIG = join(import.meta.dirname, '..', '..', 'deploy', 'nginx.conf');

/** The real nginx with the shipped configuration; only addresses, ports and paths are the test's. */
export class Nginx {
  private constructor(
    private readonly child: ChildProcess,
    readonly origin: string,
  ) {}

  static async start(apiOrigins: readonly string[]): Promise<Nginx> {
    const dir = temporaryFolder();
    const port = await freePort();
    const [first, second] = apiOrigins.map((origin) => new URL(origin).host);
    const config = readFileSync(CONFIG, 'utf8')
      .replace('api-1:4000', first!)
      .replace('api-2:4000', second!)
      .replace('listen 8080', `listen 127.0.0.1:${port}`)
      .replaceAll('/tmp/', `${dir}/`);
    writeFileSync(join(dir, 'nginx.conf'), config);
    const child = spawn('nginx', ['-p', dir, '-c', join(dir, 'nginx.conf'), '-g', 'daemon off;'], { stdio: 'ignore' });
    await new Promise((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', (error) =>
        reject(new Error(`nginx is needed here; npm run setup installs it: ${error.message}`)),
      );
    });
    const origin = `http://127.0.0.1:${port}`;
    const isUp = (): Promise<boolean> =>
      fetch(`${origin}/healthz`).then(
        (r) => r.ok,
        () => false,
      );
    await eventually(isUp, { withinMs: 5_000, what: 'nginx to answer' });
    return new Nginx(child, origin);
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill('SIGTERM');
    await once(this.child, 'exit');
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
