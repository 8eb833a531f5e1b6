import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openRedis, untilReady } from '@sluice/state';
import { createSimulator } from '../../apps/simulator/src/create-simulator.js';
import { eventually } from '../eventually.js';
import { ReloadingSluice } from '../support/reloading-sluice.js';

const WITHIN = { withinMs: 5_000 };

describe('a configuration that changes while Sluice runs', () => {
  let sluice: ReloadingSluice;

  beforeEach(() => {
    sluice = new ReloadingSluice();
  });
  afterEach(() => sluice.stop());

  const start = (): Promise<unknown> => sluice.start(() => sluice.config([sluice.model('a', 'first')]));
  const status = async (name: string): Promise<number> => (await sluice.call(name)).status;
  const isNow = async (name: string, expected: number): Promise<void> =>
    eventually(async () => (await status(name)) === expected, { ...WITHIN, what: `${expected} for ${name}` });
  const hashChanges = async (change: () => void): Promise<void> => {
    const { hash } = await sluice.view();
    change();
    await eventually(async () => (await sluice.view()).hash !== hash, { ...WITHIN, what: 'another hash' });
  };

  it('L8: serves what was added, refuses what was removed, and lists the models that are', async () => {
    await start();
    expect(await status('b')).toBe(404);
    sluice.write(sluice.config([sluice.model('b', 'second')]));
    const seen = new Set<number>();
    await eventually(async () => seen.add(await status('b')).has(200), { ...WITHIN, what: 'an answer of b' });
    expect([...seen]).toEqual([404, 200]); // never a 503: its worker is there before it can be called
    const gone = await sluice.call('a');
    expect(gone.status).toBe(404);
    expect(await gone.json()).toMatchObject({ error: { code: 'model_not_found' } });
    const { data } = (await (await sluice.get('/v1/models')).json()) as { data: { id: string }[] };
    expect(data.map(({ id }) => id)).toEqual([`${sluice.group}-b`]);
  });

  it('L8: lets the calls in that waited for capacity, since there may be more now', async () => {
    await start();
    sluice.simulator.setProfile('first', { rules: [{ do: { kind: 'rate_limit', retryAfterMs: 60_000 } }] });
    const waiting = sluice.call('a', { stream: true });
    await eventually(
      async () =>
        ((await (await sluice.get(`/v1/queues/${sluice.group}-a`)).json()) as { waiting: number }).waiting === 1,
      { ...WITHIN, what: 'the call to wait' },
    );
    sluice.write(sluice.config([sluice.model('a', 'first'), sluice.model('a', 'second')]));
    expect((await (await waiting).text()).trimEnd()).toMatch(/\[DONE\]$/);
  }, 20_000);

  it('L8: stays in force when the new one is bad, which is told with file and line until it is mended', async () => {
    await start();
    const good = sluice.config([sluice.model('a', 'first')]);
    const { hash } = await sluice.view();
    sluice.write(good.replace('model: openai/gpt-4o', 'model: nobody/gpt-4o'));
    await eventually(async () => (await sluice.view()).rejected !== null, { ...WITHIN, what: 'the rejection' });
    const { hash: kept, rejected } = await sluice.view();
    expect(kept).toBe(hash);
    expect(rejected?.errors).toMatchObject([
      { file: 'config.yaml', line: 2, path: 'model_list[0].litellm_params.model' },
    ]);
    expect(JSON.stringify(rejected)).not.toContain('sk-provider');
    expect(await (await sluice.get('/readyz')).json()).toEqual({ status: 'ready', degraded: 'config_rejected' });
    expect(await status('a')).toBe(200);
    sluice.write(good);
    await eventually(async () => (await sluice.view()).rejected === null, { ...WITHIN, what: 'the all-clear' });
    expect(await (await sluice.get('/readyz')).json()).toEqual({ status: 'ready' });
  });

  it('loses no call while it is swapped again and again', async () => {
    const version = (n: number): string => sluice.config([sluice.model('a', n % 2 === 0 ? 'first' : 'second')]);
    await sluice.start(() => version(0));
    let isOver = false;
    const caller = async (): Promise<number[]> => {
      const statuses = [];
      while (!isOver) statuses.push(await status('a'));
      return statuses;
    };
    const callers = Array.from({ length: 8 }, caller);
    for (let n = 1; n <= 4; n++) await hashChanges(() => sluice.write(version(n)));
    isOver = true;
    const statuses = (await Promise.all(callers)).flat();
    expect(statuses.length).toBeGreaterThan(100);
    expect(statuses.filter((code) => code !== 200)).toEqual([]);
    for (const profile of ['first', 'second']) expect(sluice.simulator.requests({ profile }).length).toBeGreaterThan(0);
  });

  it('does not reach a call that runs: it ends on what it began with, also where that provider is gone', async () => {
    await start();
    const leaving = sluice.simulator;
    leaving.setProfile('first', { latency: { p50: 50 }, tokensPerSecond: 20, answer: { tokens: 60 } });
    const running = await sluice.call('a', { stream: true });
    sluice.simulator = await createSimulator({ port: 0 }); // another address: the connections to the first are closed
    await hashChanges(() => sluice.write(sluice.config([sluice.model('a', 'second')])));
    const next = await sluice.call('a');
    expect(next.headers.get('x-litellm-model-id')).toBe(`${sluice.group}-second`);
    const text = await running.text();
    expect(running.headers.get('x-litellm-model-id')).toBe(`${sluice.group}-first`);
    expect(text).toContain('data: [DONE]');
    expect(text).not.toContain('error');
    expect(leaving.requests({ profile: 'first' })).toHaveLength(1);
    await leaving.stop();
  });

  it('lets a removed group serve what waits in it, and then closes it', async () => {
    await sluice.start(() => sluice.config([sluice.model('a', 'first', 'max_parallel_requests: 1')]));
    sluice.simulator.setProfile('first', { latency: { p50: 700 } });
    const waiting = [1, 2, 3, 4].map(() => sluice.call('a'));
    await eventually(() => sluice.simulator.requests({ profile: 'first' }).length > 0, { ...WITHIN, what: 'a call' });
    await hashChanges(() => sluice.write(sluice.config([sluice.model('b', 'second')])));
    expect(await status('a')).toBe(404);
    expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    const redis = await untilReady(openRedis(process.env['REDIS_URL']!, { role: 'worker', onError: () => {} }));
    const workers = `{sluice:${sluice.group}-a}:workers`;
    await eventually(async () => (await redis.zcard(workers)) === 0, { ...WITHIN, what: 'its worker to leave' });
    // And comes back as if it had never been away.
    sluice.write(sluice.config([sluice.model('a', 'first')]));
    await isNow('a', 200);
    redis.disconnect();
  });

  it('stays in force when its file is deleted, also where that was found and not named', async () => {
    await sluice.start(() => sluice.config([sluice.model('a', 'first')]), undefined);
    sluice.write(sluice.config([sluice.model('b', 'second')]), 'litellm_config.yaml'); // would be found next
    rmSync(join(sluice.dir, 'config.yaml'));
    await eventually(async () => (await sluice.view()).rejected !== null, { ...WITHIN, what: 'the rejection' });
    expect((await sluice.view()).rejected?.errors).toMatchObject([
      { file: 'config.yaml', reason: 'the configuration config.yaml does not exist' },
    ]);
    expect([await status('a'), await status('b')]).toEqual([200, 404]);
  });

  it('changes the master key from the next request on, and is refused when the key is gone', async () => {
    await start();
    const old = sluice.key;
    sluice.key = 'sk-another';
    sluice.write(sluice.config([sluice.model('a', 'first')]));
    await isNow('a', 200);
    sluice.key = old;
    expect(await status('a')).toBe(401);
    sluice.key = 'sk-another';
    sluice.write(`model_list:\n  - ${sluice.model('a', 'first')}\n`); // as if cut off while it was written
    await eventually(async () => (await sluice.view()).rejected !== null, { ...WITHIN, what: 'the rejection' });
    expect((await sluice.view()).rejected?.errors[0]?.reason).toContain('The master key is gone');
    expect((await fetch(`${sluice.url}/v1/models`)).status).toBe(401);
  });

  it('is seen through an editor’s rename, a ConfigMap’s swapped link and in an included file', async () => {
    const include = (name: string, profile: string): string => `model_list:\n  - ${sluice.model(name, profile)}\n`;
    const version = (name: string): void => {
      mkdirSync(join(sluice.dir, `..${name}`));
      sluice.write(sluice.config([sluice.model(name, name)], 'include: [more.yaml]\n'), `..${name}/config.yaml`);
      sluice.write(include(`${name}-more`, `${name}-more`), `..${name}/more.yaml`);
      symlinkSync(`..${name}`, join(sluice.dir, '..next'));
      renameSync(join(sluice.dir, '..next'), join(sluice.dir, '..data'));
    };
    await sluice.start(() => {
      version('v1');
      symlinkSync('..data/config.yaml', join(sluice.dir, 'mounted.yaml'));
      symlinkSync('..data/more.yaml', join(sluice.dir, 'more.yaml'));
      return '';
    }, 'mounted.yaml');
    expect(await status('v1-more')).toBe(200);
    version('v2');
    await isNow('v2', 200);
    expect(await status('v2-more')).toBe(200);
    writeFileSync(join(sluice.dir, '..v2', '.draft'), include('v3-more', 'v3'));
    renameSync(join(sluice.dir, '..v2', '.draft'), join(sluice.dir, '..v2', 'more.yaml'));
    await isNow('v3-more', 200);
  });
});
