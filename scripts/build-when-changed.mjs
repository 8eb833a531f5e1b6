// Builds when a source is newer than the last build, so that a second `npm start` does not pay for it.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const SOURCES = [
  'apps',
  'libs',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'nest-cli.json',
  'rspack.config.js',
];
const isTest = (name) => /\.(e2e-)?spec\.ts$/.test(name);

/** @throws Error with a sentence when the build fails; what the compiler said is on the terminal by then. */
export function buildWhenChanged(root, env) {
  const stamp = join(root, 'dist', '.built-from');
  const sources = fingerprintOf(root);
  const program = join(root, 'dist', 'apps', 'cli', 'main.js');
  if (existsSync(program) && existsSync(stamp) && readFileSync(stamp, 'utf8') === sources) return;

  const { status, stdout, stderr } = spawnSync('npm', ['run', '--silent', 'build'], {
    cwd: root,
    env,
    encoding: 'utf8',
  });
  if (status !== 0) {
    process.stderr.write(`${stdout ?? ''}${stderr ?? ''}`);
    throw new Error('"npm run build" failed; see above.');
  }
  writeFileSync(stamp, sources); // of before the build: what changed during it is built next time
}

/** Names, sizes and times are enough, and 20 times cheaper than the contents. */
function fingerprintOf(root) {
  const hash = createHash('sha256');
  const add = (path) => {
    const found = statSync(join(root, path), { throwIfNoEntry: false });
    if (found?.isDirectory()) {
      for (const name of readdirSync(join(root, path)).sort()) if (!isTest(name)) add(join(path, name));
    } else if (found) {
      hash.update(`${path} ${found.size} ${found.mtimeMs}\n`);
    }
  };
  for (const source of SOURCES) add(source);
  return hash.digest('hex');
}
