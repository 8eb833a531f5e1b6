import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { eventually } from '../eventually.js';
import { buildSluice, SluiceProcess, temporaryFolder } from '../support/sluice-process.js';

const CONFIG = `
model_list:
  - model_name: small
    litellm_params: {model: openai/gpt-4o-mini, api_base: "http://127.0.0.1:9/v1", api_key: x}
general_settings: {master_key: sk-test}
`;

let cwd: string;
let running: SluiceProcess[];

beforeAll(() => buildSluice(), 60_000);
beforeEach(() => {
  cwd = temporaryFolder();
  running = [];
});
afterEach(async () => {
  await Promise.all(running.map((sluice) => sluice.end('SIGKILL')));
});

function run(args: string[], env: NodeJS.ProcessEnv = {}): SluiceProcess {
  const sluice = SluiceProcess.run(args, { cwd, env });
  running.push(sluice);
  return sluice;
}

const file = (name: string, text: string): string => {
  writeFileSync(join(cwd, name), text);
  return name;
};

const redisOf = (): Redis => {
  const redis = new Redis(join(cwd, 'data', 'redis.sock'), { maxRetriesPerRequest: null });
  redis.on('error', () => undefined); // it is killed in these tests
  return redis;
};

const call = (origin: string): Promise<Response> =>
  fetch(`${origin}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: 'Bearer sk-sluice-demo', 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'gpt-4o', messages: [{ role: 'user', content: 'Hello' }] }),
  });

describe('sluice start without a configuration', () => {
  it('answers a call, and leaves nothing behind on SIGTERM', async () => {
    const sluice = await run(['start', '--port', '0']).untilUp();
    const answer = await call(sluice.origin);
    expect(await answer.json()).toMatchObject({ choices: [{ message: { role: 'assistant' } }] });
    expect(await sluice.end('SIGTERM')).toBe(0);
    expect(existsSync(join(cwd, 'data', 'redis.sock'))).toBe(false);
    expect(existsSync(join(cwd, 'data', 'sluice.lock'))).toBe(false);
  });

  it('prints lines that work as they stand', async () => {
    const sluice = await run(['start', '--port', '0']).untilUp();
    const simulator = /PUT (\S+)\/_sim\/profiles/.exec(sluice.stdout)?.[1];
    const script = { rules: [{ do: { kind: 'server' } }] };
    const url = `${simulator}/_sim/profiles/openai-direct`;
    const put = await fetch(url, { method: 'PUT', body: JSON.stringify(script) });
    expect(put.status).toBe(200);
    const answer = await call(sluice.origin);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('x-litellm-model-id')).not.toBe('openai-direct');
  });
});

describe('a second start on the same folder', () => {
  it('is ready in under 5 s, and answers', async () => {
    const first = await run(['start', '--port', '0']).untilUp();
    expect((await call(first.origin)).status).toBe(200);
    expect(await first.end('SIGTERM')).toBe(0);

    const startedAt = performance.now();
    const second = await run(['start', '--port', '0']).untilUp();
    expect((await fetch(`${second.origin}/readyz`)).status).toBe(200);
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    expect((await call(second.origin)).status).toBe(200);
  });
});

describe('Ctrl-C under npm, which arrives twice', () => {
  it('is one orderly stop', async () => {
    const sluice = await run(['start', '--port', '0']).untilUp();
    sluice.kill('SIGINT');
    sluice.kill('SIGINT');
    expect(await sluice.end()).toBe(0);
    expect(existsSync(join(cwd, 'data', 'redis.sock'))).toBe(false);
  });
});

describe('the data folder', () => {
  it('is refused to a second start, which names the first', async () => {
    const first = await run(['start', '--port', '0']).untilUp();
    const second = run(['start', '--port', '0']);
    expect(await second.end()).toBe(1);
    expect(second.stderr).toContain(`in use by another Sluice (process ${first.pid})`);
  });

  it('is taken over with its data after kill -9', async () => {
    const killed = await run(['start', '--port', '0']).untilUp();
    const before = redisOf();
    await before.set('kept', 'yes');
    await eventually(async () => (await before.info('persistence')).includes('aof_pending_bio_fsync:0'), {
      withinMs: 5_000,
      what: 'the write to be on disk',
    });
    before.disconnect();
    await killed.end('SIGKILL');

    await run(['start', '--port', '0']).untilUp();
    const after = redisOf();
    expect(await after.get('kept')).toBe('yes');
    after.disconnect();
  });

  it('is refused in a sentence when it cannot be written', async () => {
    const isRoot = process.getuid?.() === 0; // who may write everywhere but there
    const data = isRoot ? '/sys/sluice-data' : join(cwd, 'locked', 'data');
    if (!isRoot) {
      mkdirSync(join(cwd, 'locked'));
      chmodSync(join(cwd, 'locked'), 0o555);
    }
    const sluice = run(['start', '--port', '0', '--data', data]);
    expect(await sluice.end()).toBe(1);
    expect(sluice.stderr).toContain(`The data folder ${data} cannot be written`);
  });

  // Node's recursive mkdir never returns there.
  it.each(['/proc/sluice-data', '/dev/null'])('is refused in a sentence at %s', async (data) => {
    const sluice = run(['start', '--port', '0', '--data', data]);
    expect(await sluice.end()).toBe(1);
    expect(sluice.stderr).toContain(`The data folder ${data} cannot be written`);
  });
});

describe('the embedded Redis', () => {
  it('is started again when it dies, and calls go on', async () => {
    const sluice = await run(['start', '--port', '0']).untilUp();
    const redis = redisOf();
    await redis.set('kept', 'yes');
    const pid = Number(/process_id:(\d+)/.exec(await redis.info('server'))?.[1]);
    await redis.config('SET', 'appendfsync', 'always');
    await redis.set('kept', 'still');
    process.kill(pid, 'SIGKILL');
    await sluice.untilSaid(/Redis is back/);
    expect(await redis.get('kept')).toBe('still');
    redis.disconnect();
    await eventually(async () => (await call(sluice.origin)).status === 200, { withinMs: 10_000, what: 'an answer' });
    expect(await sluice.end('SIGTERM')).toBe(0);
  });

  it('ends when its Sluice is killed', async () => {
    const sluice = await run(['start', '--port', '0']).untilUp();
    const socket = join(cwd, 'data', 'redis.sock');
    expect(existsSync(socket)).toBe(true);
    await sluice.end('SIGKILL');
    await eventually(() => !existsSync(socket), { withinMs: 5_000, what: 'Redis to take its socket away' });
  });
});

describe('a port that is taken', () => {
  let other: Server;
  afterEach(() => void other.close());

  it('is told in a sentence, and everything is closed again', async () => {
    other = createServer().listen(0);
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const sluice = run(['start', '--port', String(port)]);
    expect(await sluice.end()).toBe(1);
    const sentence = `sluice: Port ${port} is in use by another program. Stop that one, or choose another with --port.`;
    expect(sluice.stderr.trim()).toBe(sentence); // and nothing else
    expect(existsSync(join(cwd, 'data', 'redis.sock'))).toBe(false);
  });
});

describe('a configuration', () => {
  it('L78: starts by `--config FILE` alone, as in LiteLLM’s containers', async () => {
    const sluice = await run(['--config', file('mine.yaml', CONFIG), '--port', '0']).untilUp();
    expect(sluice.stdout).toContain('Model groups: small');
    const headers = { authorization: 'Bearer sk-test' };
    const models = await fetch(`${sluice.origin}/v1/models`, { headers });
    expect(await models.json()).toMatchObject({ data: [{ id: 'small' }] });
  });

  it('whose master key is unset gets one that is made, kept and shown', async () => {
    const text = CONFIG.replace('sk-test', 'os.environ/UNSET_MASTER_KEY');
    const key = async (): Promise<string | undefined> => {
      const sluice = await run(['--config', file('mine.yaml', text), '--port', '0']).untilUp();
      await sluice.end('SIGTERM');
      return /sk-[\w-]{40,}/.exec(sluice.stdout)?.[0];
    };
    const first = await key();
    expect(first).toBeDefined();
    expect(await key()).toBe(first);
  });

  it.each([
    { what: 'a good one', text: CONFIG, status: 0 },
    { what: 'an unknown provider', text: CONFIG.replace('openai/gpt', 'nobody/gpt'), status: 1 },
    { what: 'a blocking row', text: `${CONFIG}\nlitellm_settings: {callbacks: my.own.hook}\n`, status: 1 },
    { what: 'a tab in YAML', text: 'model_list:\n\t- x\n', status: 1 },
    { what: 'no file', text: undefined, status: 2 },
  ])('is checked: $what gives status $status', async ({ text, status }) => {
    if (text !== undefined) file('checked.yaml', text);
    const check = run(['config', 'check', 'checked.yaml', '--json']);
    expect(await check.end()).toBe(status);
    const report = JSON.parse(check.stdout) as Record<string, unknown[]>;
    expect(Object.keys(report)).toEqual(expect.arrayContaining(['applied', 'noEffect', 'unsupported', 'errors']));
  });
});

describe('a command that is mistyped', () => {
  it.each([
    [['frob'], "unknown command 'frob'"],
    [['wroker', '--check'], "unknown command 'wroker'"],
    [['start', 'frob'], "too many arguments for 'start'"],
  ])('%j says %s', async (args, words) => {
    const sluice = run(args);
    expect(await sluice.end()).toBe(1);
    expect(sluice.stderr).toContain(words);
  });
});

describe('a name with half a character', () => {
  it('is refused with its line: Redis could not keep it', async () => {
    const sluice = run(['start', '--config', file('half.yaml', CONFIG.replace('small', '"s\\uD800t"')), '--port', '0']);
    expect(await sluice.end()).toBe(1);
    expect(sluice.stderr).toContain('half.yaml:3 model_list[0].model_name: ');
  });
});

describe('a role of its own', () => {
  it.each(['api', 'worker'])('%s refuses to start without REDIS_URL', async (role) => {
    const sluice = run([role, '--config', file('mine.yaml', CONFIG)]);
    expect(await sluice.end()).toBe(1);
    expect(sluice.stderr).toContain(`\`sluice ${role}\` needs REDIS_URL`);
  });

  it('worker --check says whether a worker of this host beats', async () => {
    const env = { REDIS_URL: join(cwd, 'data', 'redis.sock') };
    const sluice = await run(['start', '--port', '0']).untilUp();
    const check = run(['worker', '--check'], env);
    expect({ status: await check.end(), said: check.stdout }).toMatchObject({ status: 0 });
    await sluice.end('SIGTERM');
    expect(await run(['worker', '--check'], env).end()).toBe(1);
  });

  it('simulator answers, and says it when its script is wrong', async () => {
    const simulator = await run(['simulator', '--port', '0']).untilUp();
    expect((await fetch(`${simulator.origin}/_sim/stats`)).status).toBe(200);
    expect(await simulator.end('SIGTERM')).toBe(0);

    const wrong = run(['simulator', '--port', '0', '--script', file('script.json', '{"latency": 5}')]);
    expect(await wrong.end()).toBe(1);
    expect(wrong.stderr).toContain('latency');
  });
});
