import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { temporaryFolder } from './sluice-process.js';

/** A redis-server of the test's own, which it may kill: append-only file, Unix socket. */
export class OwnRedis {
  private readonly dir = temporaryFolder();
  readonly url = join(this.dir, 'redis.sock');
  private child: ChildProcess | undefined;

  async start(): Promise<this> {
    const args = ['--port', '0', '--unixsocket', this.url, '--dir', this.dir, '--save', '', '--appendonly', 'yes'];
    args.push('--appendfsync', 'everysec', '--maxmemory-policy', 'noeviction');
    const child = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'ignore'] });
    this.child = child;
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`redis-server ended with ${code}`)));
      child.stdout.on('data', (data: Buffer) => {
        if (/ready to accept connections/i.test(data.toString())) resolve();
      });
    });
    return this;
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.removeAllListeners('exit');
    child.kill(signal);
    await once(child, 'exit');
  }
}
