import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../eventually.js';

const ROOT = join(import.meta.dirname, '..', '..');
const PROGRAM = join(ROOT, 'bin', 'sluice.mjs');

/** The built program as a child, as a user runs it: in a folder of its own and with nothing of the test's environment. */
export class SluiceProcess {
  stdout = '';
  stderr = '';
  private readonly ended: Promise<unknown>;

  private constructor(private readonly child: ChildProcess) {
    child.stdout!.on('data', (data: Buffer) => (this.stdout += data.toString()));
    child.stderr!.on('data', (data: Buffer) => (this.stderr += data.toString()));
    this.ended = once(child, 'close');
  }

  static run(
    args: readonly string[],
    { cwd, env = {}, stdin }: { cwd: string; env?: NodeJS.ProcessEnv; stdin?: string },
  ): SluiceProcess {
    const { PATH, HOME } = process.env;
    const child = spawn(process.execPath, [PROGRAM, ...args], { cwd, env: { PATH, HOME, ...env } });
    if (stdin !== undefined) child.stdin.end(stdin);
    return new SluiceProcess(child);
  }

  get pid(): number {
    return this.child.pid!;
  }

  /** Where it answers, as its banner says. */
  get origin(): string {
    return /Sluice (?:simulator )?answers at (\S+)/.exec(this.stdout)?.[1] ?? '';
  }

  get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  async untilUp(): Promise<this> {
    await this.untilSaid(/answers at|worker serves/);
    return this;
  }

  async untilSaid(words: RegExp, withinMs = 15_000): Promise<void> {
    const said = (): boolean => words.test(this.stdout) || words.test(this.stderr);
    await eventually(() => said() || !this.isRunning, { withinMs, what: `${words} in: ${this.stdout}${this.stderr}` });
    if (!said()) throw new Error(`sluice ended without saying ${words}: ${this.stdout}${this.stderr}`);
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** The exit status, or the signal that ended it. */
  async end(signal?: NodeJS.Signals): Promise<number | NodeJS.Signals | null> {
    if (signal) this.child.kill(signal);
    await this.ended;
    return this.child.exitCode ?? this.child.signalCode;
  }
}

/** Builds what has changed; does nothing after `npm test` has. */
export function buildSluice(): void {
  const { status, stderr } = spawnSync(process.execPath, ['scripts/setup.mjs', '--build'], { cwd: ROOT });
  if (status !== 0) throw new Error(`the build failed: ${String(stderr)}`);
}

const folders: string[] = [];

/** A folder that is gone at the end of the process. */
export function temporaryFolder(): string {
  if (folders.length === 0) {
    process.once('exit', () => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));
  }
  const folder = mkdtempSync(join(tmpdir(), 'sluice-test-'));
  chmodSync(folder, 0o755); // as root PostgreSQL runs as another user, who must reach it
  folders.push(folder);
  return folder;
}
