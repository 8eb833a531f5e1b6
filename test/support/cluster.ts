import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createSimulator, type Simulator } from '../../apps/simulator/src/create-simulator.js';
import { Watch } from './history/watch.js';
import { OwnRedis, type OwnRedisOptions } from './own-redis.js';
import { buildSluice, SluiceProcess, temporaryFolder } from './sluice-process.js';
import { configFor, MASTER_KEY, type PlayedDeployment } from './sluice.js';

/**
 * Api and worker processes over a Redis of their own, against the simulator in this process: what faults are tried on. All that
 * happens at it is written down, and judged when it stops: a broken promise fails the test, whatever it looked at itself.
 */
export class Cluster {
  readonly group = 'gpt-4o';
  readonly redis: OwnRedis;
  simulator!: Simulator;
  watch!: Watch;
  private readonly dir = temporaryFolder();
  private readonly apis: SluiceProcess[] = [];
  private readonly workers: SluiceProcess[] = [];

  constructor(redis: OwnRedisOptions = {}) {
    this.redis = new OwnRedis(redis);
  }

  /** @param yaml further top-level sections of the configuration */
  async start(deployments: PlayedDeployment[], yaml = ''): Promise<this> {
    buildSluice();
    const simulator = await createSimulator({ port: 0 });
    this.watch = new Watch({
      simulator,
      isOurs: (origin) => this.apis.some((api) => api.origin === origin),
      openDoor: () => this.openDoor(),
    });
    this.simulator = this.watch.simulator;
    await this.redis.start();
    this.configure(configFor(this.simulator.origin, this.group, deployments, yaml));
    return this;
  }

  /** Writes the file that all processes follow. */
  configure(config: string): void {
    writeFileSync(join(this.dir, 'config.yaml'), config);
  }

  api(env: NodeJS.ProcessEnv = {}): Promise<SluiceProcess> {
    return this.run(['api', '--config', 'config.yaml', '--port', '0'], env, this.apis);
  }

  worker(env: NodeJS.ProcessEnv = {}, args: readonly string[] = []): Promise<SluiceProcess> {
    return this.run(['worker', '--config', 'config.yaml', ...args], env, this.workers);
  }

  private run(args: string[], env: NodeJS.ProcessEnv, among: SluiceProcess[]): Promise<SluiceProcess> {
    const started = SluiceProcess.run(args, {
      cwd: this.dir,
      env: { REDIS_URL: this.redis.url, SLUICE_HOST: '127.0.0.1', LOG_LEVEL: 'warn', ...env },
    });
    among.push(started);
    return started.untilUp();
  }

  /** An api that runs, with a worker behind it: what is open can come to its end. */
  private async openDoor(): Promise<string> {
    if (!this.workers.some(({ isRunning }) => isRunning)) await this.worker();
    return (this.apis.find(({ isRunning }) => isRunning) ?? (await this.api())).origin;
  }

  /**
   * Whatever still runs is killed.
   * @throws when a promise was broken
   */
  async stop(): Promise<void> {
    try {
      await this.watch?.check();
    } finally {
      this.watch?.stop();
      const running = [...this.apis, ...this.workers];
      for (const child of running) child.kill('SIGCONT');
      await Promise.all(running.map((child) => child.end('SIGKILL')));
      await this.redis.stop('SIGKILL');
      await this.simulator?.stop();
    }
  }
}

export interface Outcome {
  /** What the caller saw in the end. `cut`: the connection broke without an answer or an error frame. */
  kind: 'answer' | 'error' | 'cut';
  status: number;
  code: string | undefined;
  text: string;
  tookMs: number;
}

export interface CallOptions {
  stream?: boolean;
  headers?: Record<string, string>;
  model?: string;
  body?: Record<string, unknown>;
}

/** One call as its caller sees it: exactly one outcome. @param tag goes into the prompt, so that the simulator's log tells calls apart */
export async function callOnce(
  origin: string,
  tag: string,
  { stream = false, headers = {}, model = 'gpt-4o', body: more = {} }: CallOptions = {},
): Promise<Outcome> {
  const startedAt = performance.now();
  const seen = { kind: 'cut', status: 0, code: undefined, text: '' } as Omit<Outcome, 'tookMs'>;
  try {
    const response = await fetch(`${origin}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${MASTER_KEY}`, ...headers },
      body: JSON.stringify({ model, stream, messages: [{ role: 'user', content: `call ${tag}.` }], ...more }),
    });
    seen.status = response.status;
    const body = await response.text();
    if (response.status === 200 && stream) Object.assign(seen, outcomeOfStream(body));
    else if (response.status === 200) {
      const answer = JSON.parse(body) as { choices: { message: { content: string } }[] };
      Object.assign(seen, { kind: 'answer', text: answer.choices[0]!.message.content });
    } else Object.assign(seen, { kind: 'error', code: (JSON.parse(body) as { error: { code: string } }).error.code });
  } catch {
    // The connection broke: `cut`.
  }
  return { ...seen, tookMs: performance.now() - startedAt };
}

function outcomeOfStream(body: string): Partial<Outcome> {
  const events = body.split('\n\n').filter((event) => event.trim() !== '' && event.includes('data:'));
  const datas = events.map((event) => event.slice(event.indexOf('data:') + 5).trim());
  let text = '';
  for (const data of datas) {
    if (data === '[DONE]') continue;
    const { error, choices } = JSON.parse(data) as {
      error?: { code: string };
      choices?: { delta: { content?: string } }[];
    };
    if (error !== undefined) return { kind: 'error', code: error.code, text };
    text += choices?.[0]?.delta.content ?? '';
  }
  return { kind: datas.at(-1) === '[DONE]' ? 'answer' : 'cut', text };
}
