import { randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { FileGone } from '@sluice/core';
import { FileStorageError, openFileStorage, type FileStorage } from '@sluice/files';
import { chatLine, linesOf, startBatch, untilOver } from '../support/batch-lines.js';
import { OwnS3 } from '../support/own-s3.js';
import { startStoringSluice } from '../support/storing-sluice.js';

const BUCKET = 'files';
let s3: OwnS3;
let storage: FileStorage;

beforeAll(async () => {
  process.env['AWS_ACCESS_KEY_ID'] = 'test';
  process.env['AWS_SECRET_ACCESS_KEY'] = 'test';
  s3 = await new OwnS3().start();
  const place = { bucket: BUCKET, endpoint: s3.endpoint, region: 'eu', prefix: 'sluice/', forcePathStyle: true };
  storage = openFileStorage('/nonexistent', place);
});
afterAll(() => s3.stop());

async function* pieces(...bytes: Buffer[]): AsyncGenerator<Uint8Array> {
  yield* bytes;
}

describe('files in a bucket', () => {
  it('are what was written, small and in parts', async () => {
    const large = randomBytes(20 * 1024 * 1024);
    const cuts = [large.subarray(0, 5_000_000), large.subarray(5_000_000, 5_000_001), large.subarray(5_000_001)];
    expect(await storage.write('file-large', pieces(...cuts))).toBe(large.length);
    expect(await storage.write('file-small', pieces(Buffer.from('small')))).toBe(5);
    expect([...s3.objects.keys()]).toEqual([`${BUCKET}/sluice/file-large`, `${BUCKET}/sluice/file-small`]);
    expect((await buffer(await storage.read('file-large'))).equals(large)).toBe(true);
    expect((await buffer(await storage.read('file-small'))).toString()).toBe('small');
  });

  it('are gone when they are removed, once or twice', async () => {
    await storage.write('file-1', pieces(Buffer.from('x')));
    await storage.remove('file-1');
    await storage.remove('file-1');
    await expect(storage.read('file-1')).rejects.toThrow(FileGone);
  });

  it('leave nothing when the source breaks off, in whichever part', async () => {
    for (const bytes of [10, 20 * 1024 * 1024]) {
      const broken = async function* (): AsyncGenerator<Uint8Array> {
        yield randomBytes(bytes);
        throw new Error('cut');
      };
      await expect(storage.write('file-cut', broken())).rejects.toThrow('cut');
      await expect(storage.read('file-cut')).rejects.toThrow(FileGone);
    }
    expect(s3.uploads.size).toBe(0);
  });

  it('say that the store is away', async () => {
    const away = { bucket: BUCKET, endpoint: 'http://127.0.0.1:1', region: 'eu', prefix: '', forcePathStyle: true };
    await expect(openFileStorage('', away).read('file-1')).rejects.toThrow(FileStorageError);
  });

  it('are what a batch reads and writes', async () => {
    const yaml = `sluice: {files: {s3: {bucket: ${BUCKET}, endpoint: "${s3.endpoint}", prefix: b/, force_path_style: true}}}`;
    const { openai, group, stop } = await startStoringSluice([{ profile: 'only' }], { yaml });
    try {
      const over = await untilOver(openai, (await startBatch(openai, [chatLine('a', group)])).id);
      expect(await linesOf(openai, over.output_file_id)).toMatchObject([{ custom_id: 'a' }]);
      const keys = [...s3.objects.keys()].filter((key) => key.startsWith(`${BUCKET}/b/`));
      expect(keys.toSorted()).toEqual(
        [over.input_file_id, over.output_file_id].map((id) => `${BUCKET}/b/${id}`).toSorted(),
      );
    } finally {
      await stop();
    }
  });
});
