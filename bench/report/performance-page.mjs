import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { root, say } from '../machine/processes.mjs';

/** Replaces what stands between the two markers of this name in a page of docs/. */
export function writeToPage(name, text, file = 'performance.md') {
  const page = join(root, 'docs', file);
  const [start, end] = [`<!-- ${name}:start -->`, `<!-- ${name}:end -->`];
  const before = readFileSync(page, 'utf8');
  const from = before.indexOf(start);
  const to = before.indexOf(end);
  if (from === -1 || to === -1) throw new Error(`docs/${file} has no markers ${start} and ${end}.`);
  writeFileSync(page, `${before.slice(0, from + start.length)}\n\n${text}\n\n${before.slice(to)}`);
  say(`Written to docs/${file}, between the markers ${name}.`);
}

/**
 * Machine, day, commit and command: what a figure is worth nothing without.
 * @param script its name in package.json
 */
export function circumstances(script) {
  const options = process.argv.slice(2);
  const command = ['npm run', script, ...(options.length > 0 ? ['--'] : []), ...options].join(' ');
  return `${machine()}; ${day()}, commit ${commit()}; \`${command}\``;
}

export function machine() {
  const { model } = cpus()[0];
  const hardware = `${cpus().length} cores (${model.trim() || process.arch}), ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}`;
  return `${hardware}, Node ${process.versions.node}, Redis ${versionOf('redis-server', ['--version'], /v=(\S+)/)}`;
}

export const day = () => new Date().toISOString().slice(0, 10);
export const commit = () => versionOf('git', ['-C', root, 'describe', '--always', '--dirty', '--abbrev=12'], /(\S+)/);

function versionOf(program, args, pattern) {
  try {
    return pattern.exec(execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }))[1];
  } catch {
    return 'unknown';
  }
}
