import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Command } from 'ioredis';
import { CommandBytes } from './command-bytes.js';

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 100 }),
  fc.string({ unit: 'grapheme-ascii', maxLength: 100 }),
  fc.constantFrom('', '\ud800', 'é', 'x'.repeat(21_830), 'x'.repeat(65_536), 'ü'.repeat(21_840), 'x'.repeat(200_000)),
);
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map((list) => Buffer.from(list)),
  fc.constantFrom(0, 32_000, 65_520, 65_536, 65_537, 300_000).map((length) => Buffer.alloc(length, 7)),
);
const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ args: fc.array(fc.oneof({ weight: 3, arbitrary: text }, bytes), { maxLength: 25 }) }),
  },
  { weight: 2, arbitrary: fc.constantFrom('flush' as const, 'sent' as const) },
  { weight: 1, arbitrary: fc.record({ raw: bytes }) },
);

it('writes the bytes that ioredis would, whatever the arguments and whenever the socket is done with them', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      // What the socket still has is read only when it says that it sent it: nobody may have written over it.
      const waiting: { bytes: Buffer; sent: (() => void) | undefined }[] = [];
      const written: Buffer[] = [];
      const send = (): void => {
        const next = waiting.shift();
        if (next === undefined) return;
        written.push(Buffer.from(next.bytes));
        next.sent?.();
      };
      const commands = new CommandBytes((part, sent) => waiting.push({ bytes: part, sent }));
      const expected: Buffer[] = [];
      for (const now of steps) {
        if (now === 'flush') commands.flush();
        else if (now === 'sent') send();
        else if ('raw' in now) {
          commands.raw(now.raw);
          expected.push(now.raw);
        } else {
          commands.append('evalsha', now.args);
          expected.push(Buffer.from(new Command('evalsha', now.args).toWritable({} as never)));
        }
      }
      commands.flush();
      while (waiting.length > 0) send();
      expect(Buffer.concat(written).equals(Buffer.concat(expected))).toBe(true);
    }),
  );
});

it('keeps no more than what was written while the socket takes nothing', () => {
  const waiting = new Set<ArrayBufferLike>();
  const commands = new CommandBytes((part) => waiting.add(part.buffer));
  for (let turn = 0; turn < 1_000; turn++) {
    commands.append('publish', ['channel', 'x'.repeat(100)]);
    commands.flush();
  }
  const kept = [...waiting].reduce((sum, { byteLength }) => sum + byteLength, 0);
  expect(kept).toBeLessThan(1_000_000);
});
