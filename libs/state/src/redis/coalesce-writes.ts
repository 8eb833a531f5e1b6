import { Command, type Redis } from 'ioredis';
import { CommandBytes } from './command-bytes.js';

/** Then Redis begins while this process goes on with its turn: it would stand idle until the end of a long one. */
const WRITTEN_AT_ONCE = 16;
/** What ioredis is to write for a command that stands in the turn's bytes already. */
const NOTHING = '';

interface Turn {
  append(command: Command): void;
}
const turns = new WeakMap<object, Turn>();

/**
 * Sends the commands of one turn of the event loop in one write, or a few, as ioredis's auto-pipelining does, without building a
 * pipeline object for them: that walks over every script the connection knows (BullMQ alone brings forty) and took 8 % of
 * a worker's time at 1,500 calls/s. Each command keeps its own reply and its own error.
 */
export function coalesceWrites(redis: Redis): void {
  redis.on('connect', () => holdTurns(redis.stream)); // each connection has a socket of its own
}

function holdTurns(stream: Redis['stream']): void {
  const write = stream.write.bind(stream) as (bytes: Buffer, sent?: () => void) => boolean;
  const end = stream.end.bind(stream) as (...args: unknown[]) => typeof stream;
  // The socket takes nothing between the first command of a pipeline and its last: where it fails there, ioredis would send the
  // last ones by themselves over the next connection, or not at all, and of a transaction the MULTI without its EXEC.
  let isWithin = false;
  let isCorked = false;
  const bytes = new CommandBytes((part, sent) => {
    if (isWithin && !isCorked) {
      isCorked = true;
      stream.cork();
    }
    write(part, sent);
  });
  const leave = (): void => {
    isWithin = false;
    if (!isCorked) return;
    isCorked = false;
    stream.uncork();
  };
  let isDue = false;
  let held = 0;
  const flush = (): void => {
    isDue = false;
    held = 0;
    leave();
    bytes.flush();
  };
  const hold = (): void => {
    if (!isDue) {
      isDue = true;
      setImmediate(flush);
    }
    if (++held >= WRITTEN_AT_ONCE) {
      held = 0;
      bytes.flush();
    }
  };
  turns.set(stream, {
    append: ({ name, args }) => {
      isWithin = true;
      bytes.append(name, args);
    },
  });
  stream.write = (data: Buffer | string): boolean => {
    if (data !== NOTHING) bytes.raw(typeof data === 'string' ? Buffer.from(data) : data);
    leave();
    hold();
    return true;
  };
  stream.end = (...args: unknown[]): typeof stream => {
    bytes.flush();
    return end(...args);
  };
}

type ToWritable = (this: Command, socket: object) => string | Buffer;
const asIoredisDoes = Object.getOwnPropertyDescriptor(Command.prototype, 'toWritable')!.value as ToWritable;
/** Called by ioredis when it writes a command, in the order in which it waits for the replies. */
Command.prototype.toWritable = function (this: Command, socket) {
  const turn = turns.get(socket);
  if (turn === undefined) return asIoredisDoes.call(this, socket);
  turn.append(this);
  return NOTHING;
};
