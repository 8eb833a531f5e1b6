import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** sun_path holds 108 bytes on Linux and 104 on macOS, with the closing zero. */
const MAX_SOCKET_PATH_BYTES = 103;

/** Where a Unix socket of this data folder lies: in it, or under a name of its own in the temp folder when that is too long. */
export function socketPathOf(dataDir: string, name: string): string {
  const inData = join(dataDir, name);
  if (Buffer.byteLength(inData) <= MAX_SOCKET_PATH_BYTES) return inData;
  const folder = createHash('sha256').update(dataDir).digest('hex').slice(0, 16);
  return join(tmpdir(), `sluice-${folder}-${name}`);
}
