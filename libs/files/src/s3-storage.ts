import type { S3Client } from '@aws-sdk/client-s3';
import type { Readable } from 'node:stream';
import { Readable as NodeReadable } from 'node:stream';
import { FileGone } from '@sluice/core';
import { checkedKey, FileStorageError, type FileStorage } from './file-storage.js';

/** `sluice.files.s3`. The credentials come from the environment, as for every program that uses the AWS SDK. */
export interface S3Place {
  bucket: string;
  /** Absent: AWS itself. */
  endpoint: string | undefined;
  region: string;
  /** Before every key; empty: none. */
  prefix: string;
  /** `https://endpoint/bucket/key` instead of `https://bucket.endpoint/key`: what most stores beside AWS want. */
  forcePathStyle: boolean;
}

/** A file is in memory as so many parts of so many bytes; 10,000 parts of 8 MiB are far above the largest file. */
const PART_BYTES = 8 * 1024 * 1024;
const PARTS_AT_ONCE = 2;
/** Not every key may list uploads, nor does every store know how: then the bucket's lifecycle rule removes them. */
const MAY_NOT_LIST = [403, 405, 501];

/**
 * Files in a bucket of anything that speaks S3, shared by all processes that are given the same. Written as multipart
 * uploads: an object is there when it is complete, and an upload that breaks off is aborted. One whose process is killed
 * stays as an unfinished upload until `removeUnfinished`.
 */
export class S3Storage implements FileStorage {
  private opening: Promise<{ client: S3Client; s3: typeof import('@aws-sdk/client-s3') }> | undefined;

  constructor(private readonly place: S3Place) {}

  async write(key: string, source: AsyncIterable<Uint8Array>): Promise<number> {
    const { client } = await this.open();
    const { Upload } = await import('@aws-sdk/lib-storage');
    let bytes = 0;
    let fault: unknown;
    const counted = async function* (): AsyncGenerator<Uint8Array> {
      try {
        for await (const piece of source) {
          bytes += piece.length;
          yield piece;
        }
      } catch (error) {
        fault = error; // the SDK wraps what it passes on
        throw error;
      }
    };
    const upload = new Upload({
      client,
      params: { Bucket: this.place.bucket, Key: this.keyOf(key), Body: NodeReadable.from(counted()) },
      partSize: PART_BYTES,
      queueSize: PARTS_AT_ONCE,
      leavePartsOnError: false,
    });
    try {
      await upload.done();
      return bytes;
    } catch (error) {
      await upload.abort().catch(() => undefined);
      throw fault ?? storageError(error, 'write');
    }
  }

  async read(key: string): Promise<Readable> {
    const { client, s3 } = await this.open();
    try {
      const { Body } = await client.send(new s3.GetObjectCommand({ Bucket: this.place.bucket, Key: this.keyOf(key) }));
      return Body as Readable;
    } catch (error) {
      if ((error as Error).name === 'NoSuchKey') throw new FileGone(key);
      throw storageError(error, 'read');
    }
  }

  async remove(key: string): Promise<void> {
    const { client, s3 } = await this.open();
    try {
      await client.send(new s3.DeleteObjectCommand({ Bucket: this.place.bucket, Key: this.keyOf(key) }));
    } catch (error) {
      throw storageError(error, 'remove');
    }
  }

  async removeUnfinished(key: string): Promise<void> {
    const { client, s3 } = await this.open();
    const place = { Bucket: this.place.bucket };
    try {
      const { Uploads = [] } = await client.send(
        new s3.ListMultipartUploadsCommand({ ...place, Prefix: this.keyOf(key) }),
      );
      for (const { Key, UploadId } of Uploads) {
        if (Key === this.keyOf(key)) await client.send(new s3.AbortMultipartUploadCommand({ ...place, Key, UploadId }));
      }
    } catch (error) {
      const { httpStatusCode = 0 } = (error as { $metadata?: { httpStatusCode?: number } }).$metadata ?? {};
      if (!MAY_NOT_LIST.includes(httpStatusCode)) throw storageError(error, 'clear up after');
    }
    await this.remove(key);
  }

  private keyOf(key: string): string {
    return `${this.place.prefix}${checkedKey(key)}`;
  }

  /** With the first file: the SDK takes a tenth of a second to load, and most installations have none of it. */
  private open(): NonNullable<typeof this.opening> {
    this.opening ??= import('@aws-sdk/client-s3').then((s3) => {
      const { endpoint, region, forcePathStyle } = this.place;
      // Checksums in trailers are AWS's own newer invention: stores that only speak S3 refuse them.
      const client = new s3.S3Client({
        region,
        forcePathStyle,
        ...(endpoint === undefined ? {} : { endpoint }),
        requestChecksumCalculation: 'WHEN_REQUIRED',
        responseChecksumValidation: 'WHEN_REQUIRED',
      });
      return { client, s3 };
    });
    return this.opening;
  }
}

function storageError(error: unknown, doing: string): FileStorageError {
  const { name, message } = error as Error;
  return new FileStorageError(`cannot ${doing} an object: ${name}: ${message}`, { cause: error });
}
