import type { Redis } from 'ioredis';

type Argument = string | number | Buffer;

/** A Lua script on a connection, called with its keys first. ioredis sends its hash, and the text when Redis has lost it. */
export interface Script<Result> {
  (...keysAndArguments: Argument[]): Promise<Result>;
}

/** @param bytes replies come as Buffers: for scripts that return what must not be decoded */
export function defineScript<Result>(
  redis: Redis,
  name: string,
  numberOfKeys: number,
  lua: string,
  bytes = false,
): Script<Result> {
  redis.defineCommand(name, { numberOfKeys, lua });
  const method = (redis as unknown as Record<string, (...args: Argument[]) => Promise<Result>>)[
    bytes ? `${name}Buffer` : name
  ]!;
  return (...keysAndArguments) => method.apply(redis, keysAndArguments);
}
