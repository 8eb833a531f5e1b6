import { constants, crc32, deflateRawSync } from 'node:zlib';

const HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
const LAST_BLOCK = Buffer.from([0x03, 0x00]);

/**
 * One gzip member, made part by part: what is pushed can be decoded at once, as a stream needs. Synchronous, unlike
 * zlib's own streams, so that parts and cuts keep their order.
 */
export class GzipInParts {
  private sum = 0;
  private size = 0;
  private hasBegun = false;

  push(bytes: Buffer): Buffer {
    this.sum = crc32(bytes, this.sum);
    this.size = (this.size + bytes.length) >>> 0;
    const blocks = deflateRawSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH });
    const part = this.hasBegun ? blocks : Buffer.concat([HEADER, blocks]);
    this.hasBegun = true;
    return part;
  }

  end(): Buffer {
    const trailer = Buffer.alloc(8);
    trailer.writeUInt32LE(this.sum, 0);
    trailer.writeUInt32LE(this.size, 4);
    return Buffer.concat([this.hasBegun ? Buffer.alloc(0) : HEADER, LAST_BLOCK, trailer]);
  }
}
