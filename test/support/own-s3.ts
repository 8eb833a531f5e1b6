import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

/** As much of S3 as files need: objects, and uploads in parts. Everything is in memory; signatures are not looked at. */
export class OwnS3 {
  readonly objects = new Map<string, Buffer>();
  /** Begun and neither completed nor aborted. */
  readonly uploads = new Map<string, Map<number, Buffer>>();
  /** Keys of uploads, by their ids. */
  private readonly begun = new Map<string, string>();
  private readonly server = createServer((request, response) => void this.answer(request, response));
  private last = 0;

  async start(): Promise<this> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return this;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.close();
    this.server.closeAllConnections();
    await once(this.server, 'close');
  }

  unfinishedKeys(): string[] {
    return [...this.begun].filter(([id]) => this.uploads.has(id)).map(([, key]) => key);
  }

  private unfinished(bucket: string, prefix: string): string {
    const names = [...this.begun].filter(([id, key]) => this.uploads.has(id) && key.startsWith(`${bucket}/${prefix}`));
    const uploads = names.map(
      ([id, key]) => `<Upload><Key>${key.slice(bucket.length + 1)}</Key><UploadId>${id}</UploadId></Upload>`,
    );
    return `<ListMultipartUploadsResult>${uploads.join('')}</ListMultipartUploadsResult>`;
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url!, 'http://s3');
    const key = decodeURIComponent(pathname.slice(1));
    const upload = searchParams.get('uploadId');
    const body = await buffer(request).catch(() => undefined);
    if (body === undefined) return;
    switch (request.method ?? '') {
      case 'PUT':
        if (upload === null) this.objects.set(key, body);
        else this.uploads.get(upload)!.set(Number(searchParams.get('partNumber')), body);
        response.setHeader('etag', etagOf(body));
        return void response.end();
      case 'POST': {
        if (upload === null) {
          const id = `upload-${++this.last}`;
          this.uploads.set(id, new Map());
          this.begun.set(id, key);
          return xml(
            response,
            `<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`,
          );
        }
        const parts = [...this.uploads.get(upload)!].sort(([a], [b]) => a - b).map(([, part]) => part);
        this.uploads.delete(upload);
        this.objects.set(key, Buffer.concat(parts));
        return xml(response, '<CompleteMultipartUploadResult><ETag>"whole"</ETag></CompleteMultipartUploadResult>');
      }
      case 'GET': {
        if (searchParams.has('uploads'))
          return xml(response, this.unfinished(key.replace(/\/$/, ''), searchParams.get('prefix') ?? ''));
        const object = this.objects.get(key);
        if (object !== undefined) return void response.setHeader('etag', etagOf(object)).end(object);
        response.statusCode = 404;
        return xml(response, '<Error><Code>NoSuchKey</Code><Message>gone</Message></Error>');
      }
      case 'DELETE':
        if (upload === null) this.objects.delete(key);
        else this.uploads.delete(upload);
        response.statusCode = 204;
        return void response.end();
      default:
        response.statusCode = 405;
        response.end();
    }
  }
}

const etagOf = (body: Buffer): string => `"${createHash('md5').update(body).digest('hex')}"`;

function xml(response: ServerResponse, text: string): void {
  response.setHeader('content-type', 'application/xml');
  response.end(`<?xml version="1.0" encoding="UTF-8"?>${text}`);
}
