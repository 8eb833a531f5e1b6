import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { FileGone } from '@sluice/core';
import { FolderStorage } from './folder-storage.js';
import { atMost, FileTooLarge } from './size-limit.js';

let folder: string;
let storage: FolderStorage;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-files-'));
  storage = new FolderStorage(folder);
});
afterAll(() => rm(folder, { recursive: true }));

async function* pieces(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}
const contentOf = async (key: string): Promise<string> => (await buffer(await storage.read(key))).toString();
const parts = (): Promise<string[]> => readdir(join(folder, 'parts'));

describe('files in a folder', () => {
  it('are what was written, and replaced by what is written after', async () => {
    expect(await storage.write('file-1', pieces('ab', 'c'))).toBe(3);
    expect(await contentOf('file-1')).toBe('abc');
    await storage.write('file-1', pieces('d'));
    expect(await contentOf('file-1')).toBe('d');
  });

  it('are gone when they are removed, once or twice', async () => {
    await storage.write('file-2', pieces('x'));
    await storage.remove('file-2');
    await storage.remove('file-2');
    await expect(storage.read('file-2')).rejects.toThrow(FileGone);
  });

  it('leave nothing when the source breaks off', async () => {
    const broken = async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from('half');
      throw new Error('cut');
    };
    await expect(storage.write('file-3', broken())).rejects.toThrow('cut');
    await expect(storage.read('file-3')).rejects.toThrow(FileGone);
    expect(await parts()).toEqual([]);
  });

  it('leave nothing when they are too large', async () => {
    await expect(storage.write('file-4', atMost(pieces('abc', 'def'), 5))).rejects.toThrow(FileTooLarge);
    expect(await parts()).toEqual([]);
    expect(await storage.write('file-4', atMost(pieces('abc', 'de'), 5))).toBe(5);
  });

  it('have keys that lead nowhere else', async () => {
    for (const key of ['../x', 'a/b', '', '.', 'a\0b']) await expect(storage.read(key)).rejects.toThrow('key');
  });

  it('that a killed process left half written go', async () => {
    const [old, young] = ['old', 'young'].map((name) => join(folder, 'parts', name));
    await writeFile(old!, 'x');
    await writeFile(young!, 'x');
    await utimes(old!, new Date(0), new Date(0));
    await storage.sweep(Date.now() - 60_000);
    expect(await parts()).toEqual(['young']);
  });
});
