import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readlink, realpath, stat, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Whom PostgreSQL runs as; undefined means as ourselves. */
export type Owner = { uid: number; gid: number } | undefined;

/** PostgreSQL refuses to run as root. 65534 is `nobody` on Linux; `initdb` wants a user with a name. */
const NOBODY = { uid: 65_534, gid: 65_534 };

/** Where root keeps what `nobody` must reach when the project lies in a folder that is closed to others. */
const OPEN_PLACE = '/var/lib/sluice';

/** Where the data lie, or will lie. No link is left in the path: what runs there is known by it. */
export async function placeOf(home: string): Promise<string> {
  const folder = join(home, 'postgres');
  if (existsSync(folder)) return realpath(folder);
  const lost = await readlink(folder).catch(() => undefined); // a link to a place that is gone, or not made yet
  if (lost === undefined && (process.getuid?.() !== 0 || (await canReach(home, NOBODY)))) return folder;
  const outside = lost ?? join(OPEN_PLACE, randomUUID()); // not named after `home`: who deletes that wants a new start
  await openPlace();
  if (lost === undefined) await symlink(outside, folder);
  return outside;
}

export async function openPlace(): Promise<string> {
  await mkdir(OPEN_PLACE, { recursive: true });
  await chmod(OPEN_PLACE, 0o755); // whatever the umask said
  return OPEN_PLACE;
}

/** By mode bits alone: access lists are not read. */
async function canReach(folder: string, { uid, gid }: NonNullable<Owner>): Promise<boolean> {
  const found = await stat(folder);
  const bit = found.uid === uid ? 0o100 : found.gid === gid ? 0o010 : 0o001;
  if ((found.mode & bit) === 0) return false;
  return folder === dirname(folder) || canReach(dirname(folder), { uid, gid });
}

export async function ownerOf(folder: string): Promise<Owner> {
  if (process.getuid?.() !== 0) return undefined;
  const found = await stat(folder).catch(() => undefined);
  return found && found.uid !== 0 ? { uid: found.uid, gid: found.gid } : NOBODY;
}
