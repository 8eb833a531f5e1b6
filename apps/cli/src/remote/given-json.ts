import { readFile } from 'node:fs/promises';
import { CommandError } from './server.js';

/** JSON as it stands there, or of a file: `@FILE`, `@-` for standard input. @throws CommandError */
export async function jsonOf(text: string, what: string): Promise<unknown> {
  try {
    const file = text === '@-' ? '/dev/stdin' : text.slice(1);
    return JSON.parse(text.startsWith('@') ? await readFile(file, 'utf8') : text);
  } catch (error) {
    throw new CommandError(`${what} cannot be used as JSON: ${(error as Error).message}`, 1);
  }
}
