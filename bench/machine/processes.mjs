import { spawn } from 'node:child_process';
import { chmodSync, closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const ownNode = join(root, 'node_modules', 'node', 'bin', 'node');
/** The Node that Sluice brings, also when the benchmark was started by an older one. */
export const node = existsSync(ownNode) ? ownNode : process.execPath;

const STOPPED_WITHIN_MS = 30_000;
const running = new Set();

/** One folder for everything that a run writes: logs, sockets, configuration. Removed at the end. */
export const scratch = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
chmodSync(scratch, 0o755); // as root PostgreSQL runs as another user, who must reach its folder
let files = 0;
export const scratchFile = (name) => join(scratch, `${++files}-${name}`);

/**
 * Starts a process and waits until its output says that it is ready. The output goes to a file, so that a process that logs
 * costs the benchmark nothing while it is measured.
 * @param options.ready what the output must match
 * @returns pid · the match · `stop()`: SIGTERM, then SIGKILL after 30 s; safe to repeat · `log`, the file
 */
export async function launch(name, command, args, { ready, env = {}, cwd = scratch, withinMs = 60_000, ipc = false }) {
  const log = scratchFile(`${name}.log`);
  const output = openSync(log, 'a');
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', output, output, ...(ipc ? ['ipc'] : [])],
  });
  closeSync(output);
  running.add(child);
  const ended = new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (status, signal) => resolve(`ended with ${signal ?? `status ${status}`}`));
  }).then((how) => {
    running.delete(child);
    return how;
  });
  let end;
  void ended.then((how) => (end = how));
  const launched = { pid: child.pid, child, log, match: undefined, stop: () => stop(child, ended) };
  const deadline = Date.now() + withinMs;
  for (;;) {
    const text = readFileSync(log, 'utf8');
    launched.match = ready.exec(text);
    if (launched.match) return launched;
    if (end !== undefined || Date.now() > deadline) {
      await launched.stop();
      throw new Error(`${name} ${end ?? `was not ready within ${withinMs} ms`}:\n${text.slice(-2_000)}`);
    }
    await pause(20);
  }
}

async function stop(child, ended) {
  if (!running.has(child)) return;
  child.kill('SIGTERM');
  const patience = setTimeout(() => child.kill('SIGKILL'), STOPPED_WITHIN_MS);
  await ended;
  clearTimeout(patience);
}

/**
 * Runs a program to its end.
 * @returns its standard output
 * @throws Error with the end of its standard error when it fails or takes longer than `withinMs`
 */
export function run(command, args, { env = {}, cwd = scratch, withinMs, inherit = false }) {
  return new Promise((resolve, reject) => {
    const stdio = inherit ? ['ignore', 2, 2] : ['ignore', 'pipe', 'pipe'];
    const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio });
    running.add(child);
    const patience = setTimeout(() => child.kill('SIGKILL'), withinMs);
    const out = [];
    const err = [];
    child.stdout?.on('data', (data) => out.push(data));
    child.stderr?.on('data', (data) => err.push(data));
    child.once('error', reject);
    child.once('close', (status, signal) => {
      clearTimeout(patience);
      running.delete(child);
      if (status === 0) return resolve(Buffer.concat(out).toString());
      const said = Buffer.concat(err).toString().slice(-2_000);
      reject(new Error(`${command} ${args[0] ?? ''} ended with ${signal ?? `status ${status}`}: ${said}`));
    });
  });
}

/**
 * Runs a benchmark: its status becomes ours, and whatever it has started is ended, also when it throws or is interrupted.
 * @param main returns whether it is content
 */
export async function bench(main) {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => void leave(130));
  process.once('exit', () => {
    for (const child of running) child.kill('SIGKILL');
  });
  let status = 1;
  try {
    status = (await main()) ? 0 : 1;
  } catch (error) {
    process.stderr.write(`${error.stack}\n`);
  }
  await leave(status);
}

async function leave(status) {
  const children = [...running];
  for (const child of children) child.kill('SIGTERM');
  const deadline = Date.now() + STOPPED_WITHIN_MS;
  while (running.size > 0 && Date.now() < deadline) await pause(20);
  if (status === 0 || process.env.BENCH_KEEP === undefined) rmSync(scratch, { recursive: true, force: true });
  process.exit(status);
}

export const say = (sentence) => void process.stderr.write(`${sentence}\n`);
