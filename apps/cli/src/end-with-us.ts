import { spawn, type ChildProcess } from 'node:child_process';

/**
 * A shell that ends a child of ours when the pipe from us breaks: after kill -9 of this process nobody else would. It is
 * ended with the child, by whoever waits for that.
 */
export function endWithUs(child: ChildProcess, signal: 'TERM' | 'INT'): ChildProcess {
  const script = `read -r _; kill -${signal} "$0"`;
  const stdio = ['pipe' as const, 'ignore' as const, 'ignore' as const];
  const watchdog = spawn('/bin/sh', ['-c', script, String(child.pid)], { stdio, detached: true });
  watchdog.on('error', () => undefined); // no shell: the next start stops the orphan
  watchdog.stdin!.on('error', () => undefined);
  return watchdog;
}
