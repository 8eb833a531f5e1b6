import type { Redis } from 'ioredis';

export interface SteppedRedis {
  /** From now on the scripts believe that it is then, Unix µs. */
  setUs: (us: number) => void;
  /** Sends the last script once more with the same arguments, as a client does whose connection broke before the reply. */
  sendAgain: () => Promise<unknown>;
}

/** The scripts' own text on a clock that the test sets: only `TIME` is replaced. Before any script is defined. */
export function withSteppedClock(redis: Redis, clockKey: string): SteppedRedis {
  const commands = redis as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;
  const define = redis.defineCommand.bind(redis);
  const time = `(function() local us = redis.call('GET', '${clockKey}') return { string.sub(us, 1, -7), string.sub(us, -6) } end)()`;
  let last: (() => Promise<unknown>) | undefined;
  redis.defineCommand = (name, { lua, ...options }) => {
    const isOurs = name.startsWith('sluice');
    define(name, { ...options, lua: isOurs ? lua.replaceAll("redis.call('TIME')", time) : lua });
    if (!isOurs) return;
    for (const method of [name, `${name}Buffer`]) {
      const send = commands[method]!;
      commands[method] = (...args) => {
        last = () => send.apply(redis, args);
        return last();
      };
    }
  };
  return {
    setUs: (us) => void redis.set(clockKey, String(us)),
    sendAgain: async () => last?.(),
  };
}
