import { randomBytes } from 'node:crypto';
import type { INestApplicationContext } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { loadSettings, type Settings } from '@sluice/config';
import OpenAI from 'openai';
import { createApi } from '../../apps/api/src/create-api.js';
import { HTTP_TIMES, type HttpTimes } from '../../apps/api/src/http/http-times.js';
import { createSimulator, type Simulator } from '../../apps/simulator/src/create-simulator.js';
import { createWorker } from '../../apps/worker/src/create-worker.js';
import { Watch } from './history/watch.js';

export const MASTER_KEY = 'sk-test-master';

export interface SluiceUnderTest {
  settings: Settings;
  simulator: Simulator;
  api: NestFastifyApplication;
  workers: INestApplicationContext[];
  url: string;
  /** The group's name in this test: queues of other tests share the Redis. */
  group: string;
  openai: OpenAI;
  call: (body: Record<string, unknown>, headers?: Record<string, string>) => Promise<Response>;
  addWorker: () => Promise<INestApplicationContext>;
  /** Where `isWatched`; judged at the stop. */
  watch: Watch | undefined;
  stop: () => Promise<void>;
}

/** A deployment played by the simulator's profile of that name. */
export interface PlayedDeployment {
  profile: string;
  model?: string;
  /** Members of litellm_params, as YAML text of one flow map: `rpm: 3, order: 2`. */
  params?: string;
  /** Further members of model_info, likewise. */
  info?: string;
  /** Stands in the group `GROUP-<name>` instead. */
  group?: string;
}

export interface SluiceOptions {
  yaml?: string;
  env?: Record<string, string>;
  workers?: number;
  times?: Partial<HttpTimes>;
  isOpen?: boolean;
  isWatched?: boolean;
}

/**
 * A whole Sluice in this process, on the tests' Redis, against simulator profiles: one group of the given deployments.
 * @param yaml text of further top-level sections; `GROUP` in it stands for the group's name
 * @param times clocks of the HTTP side that shall run faster
 * @param isOpen without a master key
 * @param isWatched what happens at it is written down, and a broken promise fails its stop
 */
export async function startSluice(
  deployments: PlayedDeployment[],
  { yaml = '', env = {}, workers = 1, times = {}, isOpen = false, isWatched = false }: SluiceOptions = {},
): Promise<SluiceUnderTest> {
  const simulator = await createSimulator({ port: 0 });
  const group = `g-${randomBytes(5).toString('hex')}`;
  const read = settingsFor(simulator, group, deployments, yaml, env);
  const settings = isOpen ? { ...read, masterKey: undefined } : read;
  const redisUrl = env['REDIS_URL'] ?? process.env['REDIS_URL']!;
  const api = await createApi(settings, redisUrl, { ...HTTP_TIMES, ...times });
  const running: INestApplicationContext[] = [];
  const addWorker = async (): Promise<INestApplicationContext> => {
    const worker = await createWorker(settings, redisUrl);
    await worker.init();
    running.push(worker);
    return worker;
  };
  for (let i = 0; i < workers; i++) await addWorker();
  await api.listen(0, '127.0.0.1');
  const url = `http://127.0.0.1:${(api.getHttpServer().address() as { port: number }).port}`;
  const isOurs = (origin: string): boolean => origin === url;
  const watch = isWatched ? new Watch({ simulator, isOurs, openDoor: () => Promise.resolve(url) }) : undefined;
  return {
    settings,
    simulator: watch?.simulator ?? simulator,
    watch,
    api,
    url,
    group,
    addWorker,
    workers: running,
    openai: new OpenAI({ apiKey: MASTER_KEY, baseURL: `${url}/v1`, maxRetries: 0 }),
    call: (body, headers = {}) =>
      fetch(`${url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${MASTER_KEY}`, ...headers },
        body: JSON.stringify({ model: group, messages: [{ role: 'user', content: 'Say hello.' }], ...body }),
      }),
    stop: async () => {
      try {
        await watch?.check();
      } finally {
        watch?.stop();
        await api.close();
        await Promise.all(running.map((worker) => worker.close()));
        await simulator.stop();
      }
    },
  };
}

/** @param yaml beginning with `  - `: further entries of model_list */
export function configFor(origin: string, group: string, deployments: PlayedDeployment[], yaml = ''): string {
  const list = deployments.map(({ profile, model = 'openai/gpt-4o', params, info, group: other }) => {
    const name = other === undefined ? group : `${group}-${other}`;
    const base = `${origin}/@${profile}${model.startsWith('openai/') ? '/v1' : ''}`;
    const version = model.startsWith('azure/') ? ', api_version: "2024-08-01-preview"' : '';
    return `  - {model_name: ${name}, litellm_params: {model: ${model}, api_base: "${base}", api_key: sk-provider-${profile}${version}${params ? `, ${params}` : ''}}, model_info: {id: ${group}-${profile}${info ? `, ${info}` : ''}}}`;
  });
  const further = yaml.replaceAll('GROUP', group);
  const top = `general_settings: {master_key: ${MASTER_KEY}}`;
  const [entries, sections] = further.startsWith('  - ') ? [further, top] : [top, further];
  return `model_list:\n${list.join('\n')}\n${entries}\n${sections}\n`;
}

function settingsFor(
  { origin }: Simulator,
  group: string,
  deployments: PlayedDeployment[],
  yaml: string,
  env: Record<string, string>,
): Settings {
  return loadSettings({
    env: { REDIS_URL: process.env['REDIS_URL'], LOG_LEVEL: process.env['LOG_LEVEL'] ?? 'silent', ...env },
    cwd: '/nonexistent',
    args: { port: '0' },
    configText: configFor(origin, group, deployments, yaml),
  });
}

export const chat = (group: string, extra: Record<string, unknown> = {}) => ({
  model: group,
  messages: [{ role: 'user' as const, content: 'Say hello.' }],
  ...extra,
});
