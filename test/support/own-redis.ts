import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from './sluice-process.js';

export interface OwnRedisOptions {
  /** Name or path. Absent: redis-server. */
  program?: string | undefined;
  /** Absent: everysec. */
  appendfsync?: 'always' | 'everysec';
}

/** A redis-server of the test's own, which it may kill: append-only file, Unix socket. */
export class OwnRedis {
  private readonly dir = temporaryFolder();
  readonly url = join(this.dir, 'redis.sock');
  private child: ChildProcess | undefined;

  constructor(private readonly options: OwnRedisOptions = {}) {}

  async start(): Promise<this> {
    const args = ['--port', '0', '--unixsocket', this.url, '--dir', this.dir, '--save', '', '--appendonly', 'yes'];
    const { program = 'redis-server', appendfsync = 'everysec' } = this.options;
    args.push('--appendfsync', appendfsync, '--maxmemory-policy', 'noeviction');
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'] });
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

  /** Of the file that is appended to. */
  appendOnlyBytes(): number {
    return statSync(this.appendOnlyFile()).size;
  }

  /** What a host that loses its power forgets, while it is stopped. */
  cutAppendOnlyTo(bytes: number): void {
    truncateSync(this.appendOnlyFile(), bytes);
  }

  appendOnlyFile(): string {
    const folder = join(this.dir, 'appendonlydir');
    return join(
      folder,
      readdirSync(folder).findLast((name) => name.endsWith('.incr.aof'))!,
    );
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.removeAllListeners('exit');
    child.kill(signal);
    await once(child, 'exit');
  }
}
