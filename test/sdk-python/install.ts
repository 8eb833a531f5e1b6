import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const REQUIREMENTS = join(import.meta.dirname, 'requirements.txt');
const VENV = join(import.meta.dirname, '..', '..', '.venv-sdk');
const HOW = 'Install Python 3.9 or later with venv and pip (Debian: apt-get install python3-venv).';
const LONGEST_STEP_MS = 150_000;

/**
 * openai-python and anthropic-sdk-python in a virtual environment in the git-ignored `.venv-sdk`, made when it is not there or its versions have
 * changed. Returns the path of its Python.
 * @throws Error that says what is missing: these tests are never left out in silence
 */
export function pythonWithSdks(): string {
  const python = join(VENV, 'bin', 'python');
  const stamp = join(VENV, '.installed-from');
  const wanted = createHash('sha256').update(readFileSync(REQUIREMENTS)).digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted && runs(python, ['-c', 'import anthropic, openai']))
    return python;

  rmSync(VENV, { recursive: true, force: true });
  if (!runs('python3', ['-c', 'import venv, ensurepip'])) installPython();
  run('python3', ['-m', 'venv', VENV]);
  run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', REQUIREMENTS]);
  writeFileSync(stamp, wanted);
  return python;
}

function installPython(): void {
  if (!runs('apt-get', ['--version'])) throw new Error(`There is no python3 with venv. ${HOW}`);
  const sudo = process.getuid!() === 0 ? [] : ['sudo', '-n'];
  const apt = (...args: string[]): void => {
    const [program = '', ...rest] = [...sudo, 'apt-get', ...args];
    run(program, rest);
  };
  apt('update', '-qq');
  apt('install', '-y', '-qq', '--no-install-recommends', 'python3', 'python3-venv');
}

const runs = (program: string, args: readonly string[]): boolean =>
  spawnSync(program, args, { stdio: 'ignore', timeout: LONGEST_STEP_MS }).status === 0;

function run(program: string, args: readonly string[]): void {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    env,
    encoding: 'utf8',
    timeout: LONGEST_STEP_MS,
  });
  if (status === 0) return;
  const said = `${error?.message ?? ''}${stdout ?? ''}${stderr ?? ''}`.slice(-2_000);
  throw new Error(`"${program} ${args.join(' ')}" failed. ${HOW}\n${said}`);
}
