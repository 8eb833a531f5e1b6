import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openFileStorage, type FileStorage } from '@sluice/files';
import { Uploads } from '@sluice/queue';
import { openRedis } from '@sluice/state';
import { BatchCatalog, FileCatalog } from '@sluice/store';
import type { Redis } from 'ioredis';
import { KeptFiles } from '../../apps/api/src/http/files/kept-files.js';
import { StoredFiles } from '../../apps/worker/src/batches/stored-files.js';
import { freshDatabase, type FreshDatabase } from '../support/own-postgres.js';
import { OwnRedis } from '../support/own-redis.js';
import { OwnS3 } from '../support/own-s3.js';
import { temporaryFolder } from '../support/sluice-process.js';

const DAY_MS = 86_400_000;
const MB = 1024 * 1024;
const ABOUT = { tenant: 'acme', purpose: 'batch', filename: 'a.jsonl', keptMs: 7 * DAY_MS };

let own: OwnRedis;
let redis: Redis;
let fresh: FreshDatabase;
let s3: OwnS3;
const folder = temporaryFolder();

beforeAll(async () => {
  process.env['AWS_ACCESS_KEY_ID'] = 'test';
  process.env['AWS_SECRET_ACCESS_KEY'] = 'test';
  [own, fresh, s3] = await Promise.all([new OwnRedis().start(), freshDatabase(), new OwnS3().start()]);
  redis = openRedis(own.url, { role: 'worker', onError: () => {} });
});
afterAll(async () => {
  redis?.disconnect();
  await Promise.all([own?.stop('SIGKILL'), fresh?.drop(), s3?.stop()]);
});

async function* pieces(...bytes: Buffer[]): AsyncGenerator<Uint8Array> {
  yield* bytes;
}

const filesInFolder = async (): Promise<string[]> =>
  (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map(({ name }) => name);

describe.each([
  ['a folder', () => openFileStorage(folder, undefined), filesInFolder],
  [
    'a bucket',
    () => openFileStorage('', { bucket: 'b', endpoint: s3.endpoint, region: 'eu', prefix: 'p/', forcePathStyle: true }),
    () => Promise.resolve([...s3.objects.keys()].map((key) => key.replace('b/p/', ''))),
  ],
])('bytes in %s whose process died before it had written their row', (_, open, stored) => {
  const nowMs = Date.now();
  let storage: FileStorage;
  let catalog: FileCatalog;
  let uploads: Uploads;
  let files: KeptFiles;
  const sweepAt = (atMs: number): Promise<void> =>
    new StoredFiles({ files: catalog, batches: new BatchCatalog(fresh.database), storage, uploads }).sweep(atMs);

  beforeAll(() => {
    storage = open();
    catalog = new FileCatalog(fresh.database);
    uploads = new Uploads(redis);
    files = new KeptFiles(storage, catalog, uploads, () => nowMs);
  });

  it('are removed a day later, and those of files are not', async () => {
    const orphan = await files.keep(pieces(Buffer.from('x')), MB);
    const file = await files.keep(pieces(Buffer.from('y')), MB);
    await files.register(file, ABOUT);
    const renamed = await files.rename(
      await files.keep(pieces(Buffer.from('z')), MB),
      `file-${randomBytes(8).toString('hex')}`,
    );
    const dropped = await files.keep(pieces(Buffer.from('d')), MB);
    await files.discard(dropped);
    const both = new Set([orphan.id, renamed.id]);
    expect(new Set(await uploads.leftOver(nowMs + 1, 10))).toEqual(both);

    await sweepAt(nowMs + DAY_MS - 1_000);
    expect(new Set(await stored())).toEqual(new Set([...both, file.id]));
    await Promise.all([sweepAt(nowMs + DAY_MS + 1_000), sweepAt(nowMs + DAY_MS + 1_000)]); // by two workers
    expect(await stored()).toEqual([file.id]);
    expect(await uploads.leftOver(Infinity, 10)).toEqual([]);
    await files.remove(file);
  });

  it('stay where the row was written, though nobody noted that it was', async () => {
    const file = await files.keep(pieces(Buffer.from('y')), MB);
    await files.register(file, ABOUT);
    await uploads.begin(file.id, nowMs);
    await sweepAt(nowMs + 2 * DAY_MS);
    expect(await stored()).toEqual([file.id]);
    expect(await uploads.leftOver(Infinity, 10)).toEqual([]);
  });
});

describe('an upload in parts to a bucket', () => {
  it('whose process died half-way is aborted, and those of others are not', async () => {
    const place = { bucket: 'b', endpoint: s3.endpoint, region: 'eu', prefix: '', forcePathStyle: true };
    const storage = openFileStorage('', place);
    const begin = async (key: string): Promise<void> => {
      const begun = await fetch(`${s3.endpoint}/b/${key}?uploads`, { method: 'POST' });
      expect(begun.status).toBe(200);
    };
    await Promise.all(['file-1', 'file-12', 'another'].map(begin));
    expect(s3.uploads.size).toBe(3);
    await storage.removeUnfinished('file-1');
    expect(s3.unfinishedKeys()).toEqual(['b/file-12', 'b/another']);
  });
});
