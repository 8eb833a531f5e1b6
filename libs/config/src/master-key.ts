import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The key of a `master_key` whose variable is unset: made once, and kept in the data folder where only its owner reads it.
 * Two processes that start together get the same key: the file appears whole, and the first one's stays.
 * @throws the file system's error when the folder cannot be written
 */
export function generatedMasterKey(dataDir: string): string {
  const path = join(dataDir, 'master-key');
  const kept = readKey(path);
  if (kept !== undefined) return kept;
  mkdirSync(dataDir, { recursive: true });
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
  writeFileSync(draft, `sk-${randomBytes(32).toString('base64url')}\n`, { mode: 0o600, flag: 'wx' });
  try {
    linkSync(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    unlinkSync(draft);
  }
  const key = readKey(path);
  if (key === undefined) throw new Error(`${path} is empty: delete it, and a new key is made.`);
  return key;
}

function readKey(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim() || undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
