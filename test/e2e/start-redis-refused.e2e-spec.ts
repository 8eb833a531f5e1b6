import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { OwnRedis } from '../support/own-redis.js';
import { buildSluice, SluiceProcess, temporaryFolder } from '../support/sluice-process.js';

const CONFIG = `
model_list:
  - model_name: small
    litellm_params: {model: openai/gpt-4o-mini, api_base: "http://127.0.0.1:9/v1", api_key: x}
general_settings: {master_key: sk-test}
`;
const ROLES: [role: string, args: string[]][] = [
  ['start', ['--port', '0']],
  ['api', ['--port', '0']],
  ['worker', []],
];

const cwd = temporaryFolder();
let running: SluiceProcess | undefined;

beforeAll(() => {
  buildSluice();
  writeFileSync(join(cwd, 'config.yaml'), CONFIG);
}, 60_000);
afterEach(() => running?.end('SIGKILL'));

/** Status and last words of a role on this Redis. */
async function refusalOf(role: string, args: string[], redisUrl: string): Promise<{ status: unknown; said: string }> {
  running = SluiceProcess.run([role, '--config', 'config.yaml', ...args], { cwd, env: { REDIS_URL: redisUrl } });
  return { status: await running.end(), said: running.stderr.trim().split('\n').at(-1)! };
}

describe('a Redis that evicts', () => {
  const redis = new OwnRedis();

  beforeAll(async () => {
    await redis.start();
    const client = new Redis(redis.url);
    await client.config('SET', 'maxmemory-policy', 'allkeys-lru');
    client.disconnect();
  });
  afterAll(() => redis.stop('SIGKILL'));

  it.each(ROLES)('is refused by `sluice %s`', async (role, args) => {
    expect(await refusalOf(role, args, redis.url)).toEqual({
      status: 1,
      said: expect.stringMatching(
        /^sluice: Redis [\d.]+ has the maxmemory-policy "allkeys-lru"\. Set `maxmemory-policy noeviction`, or accepted jobs may be dropped\.$/,
      ),
    });
  });
});

describe('a Redis that is too old', () => {
  let old: OldRedis;

  beforeAll(async () => {
    old = await new OldRedis('6.2.0').listen();
  });
  afterAll(() => old.close());

  it.each(ROLES)('is refused by `sluice %s`', async (role, args) => {
    expect(await refusalOf(role, args, old.url)).toEqual({
      status: 1,
      said: 'sluice: Sluice needs Redis 7.0 or Valkey 7.2 or later, but the server is Redis 6.2.0.',
    });
    expect(old.asked).not.toContain('EVAL'); // nothing of ours was tried on it
  });
});

/** Speaks as much RESP as a client needs to learn the version: an old server cannot be had from today's packages. */
class OldRedis {
  readonly asked: string[] = [];
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();

  constructor(private readonly version: string) {
    this.server = createServer((socket) => {
      this.sockets.add(socket);
      socket.on('error', () => undefined);
      let text = '';
      socket.on('data', (data: Buffer) => {
        text += data.toString('latin1');
        for (let taken = commandIn(text); taken !== undefined; taken = commandIn(text)) {
          text = text.slice(taken.length);
          socket.write(this.answerTo(taken.words[0]!.toUpperCase()));
        }
      });
    });
  }

  get url(): string {
    return `redis://127.0.0.1:${(this.server.address() as { port: number }).port}`;
  }

  async listen(): Promise<this> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return this;
  }

  close(): void {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
  }

  private answerTo(command: string): string {
    this.asked.push(command);
    if (command !== 'INFO') return '+OK\r\n';
    const info = `# Server\r\nredis_version:${this.version}\r\nloading:0\r\nmaxmemory_policy:noeviction\r\n`;
    return `$${info.length}\r\n${info}\r\n`;
  }
}

/** The first whole command at the beginning of what has arrived: `*2 $4 INFO $6 server`, lines ended by CRLF. */
function commandIn(text: string): { words: string[]; length: number } | undefined {
  const head = /^\*(\d+)\r\n/.exec(text);
  if (head === null) return undefined;
  const words: string[] = [];
  let at = head[0].length;
  for (let i = 0; i < Number(head[1]); i++) {
    const size = /^\$(\d+)\r\n/.exec(text.slice(at));
    if (size === null) return undefined;
    const from = at + size[0].length;
    at = from + Number(size[1]) + 2;
    if (text.length < at) return undefined;
    words.push(text.slice(from, at - 2));
  }
  return { words, length: at };
}
