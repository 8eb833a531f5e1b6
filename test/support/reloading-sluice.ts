import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadSettings } from '@sluice/config';
import { createApi, reconfigureApi, showRejected } from '../../apps/api/src/create-api.js';
import { followConfig } from '../../apps/cli/src/follow-config.js';
import { createSimulator, type Simulator } from '../../apps/simulator/src/create-simulator.js';
import { createWorker, reconfigureWorker } from '../../apps/worker/src/create-worker.js';
import { temporaryFolder } from './sluice-process.js';
import { MASTER_KEY } from './sluice.js';

interface ConfigView {
  hash: string;
  loaded_at: number;
  report: { applied: unknown[] };
  rejected: { at: number; errors: { file: string; line: number; path: string; reason: string }[] } | null;
}

/** An api and a worker in this process that follow a file, as `sluice start` does, against simulator profiles. */
export class ReloadingSluice {
  readonly dir = temporaryFolder();
  /** Queues of other tests share the Redis. */
  readonly group = `g-${randomBytes(5).toString('hex')}`;
  readonly open = new AsyncDisposableStack();
  simulator!: Simulator;
  url = '';
  key = MASTER_KEY;

  /**
   * @param yaml makes the first config.yaml, from the simulator's origin
   * @param file as with --config; absent: what is found
   */
  async start(yaml: (sluice: this) => string, file?: string): Promise<this> {
    this.simulator = await createSimulator({ port: 0 });
    this.open.defer(() => this.simulator.stop());
    this.write(yaml(this), 'config.yaml');
    return this.run(file);
  }

  async run(file: string | undefined): Promise<this> {
    const env = { REDIS_URL: process.env['REDIS_URL'], LOG_LEVEL: process.env['LOG_LEVEL'] ?? 'silent' };
    const input = { env, cwd: this.dir, args: { ...(file !== undefined && { config: file }), port: '0' } };
    const settings = loadSettings(input);
    const worker = await createWorker(settings, env.REDIS_URL!);
    await worker.init();
    this.open.defer(() => worker.close());
    const api = await createApi(settings, env.REDIS_URL!);
    this.open.defer(() => api.close());
    await api.listen(0, '127.0.0.1');
    this.url = `http://127.0.0.1:${(api.getHttpServer().address() as { port: number }).port}`;
    const roles = [
      { apply: reconfigureWorker.bind(undefined, worker), reject: () => undefined },
      { apply: reconfigureApi.bind(undefined, api), reject: showRejected.bind(undefined, api) },
    ];
    followConfig(input, settings, roles, this.open);
    return this;
  }

  write(text: string, name = 'config.yaml'): void {
    writeFileSync(join(this.dir, name), text);
  }

  /** One entry of `model_list`, played by the profile of that name. @param params further members, YAML */
  model(name: string, profile: string, params = ''): string {
    const base = `${this.simulator.origin}/@${profile}/v1`;
    return `{model_name: ${this.group}-${name}, litellm_params: {model: openai/gpt-4o, api_base: "${base}", api_key: sk-provider-${profile}${params && `, ${params}`}}, model_info: {id: ${this.group}-${profile}}}`;
  }

  /** A whole configuration of such entries. */
  config(models: readonly string[], rest = ''): string {
    return `model_list:\n${models.map((model) => `  - ${model}\n`).join('')}general_settings: {master_key: ${this.key}}\n${rest}`;
  }

  call(name: string, body: Record<string, unknown> = {}): Promise<Response> {
    return fetch(`${this.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${this.key}` },
      body: JSON.stringify({
        model: `${this.group}-${name}`,
        messages: [{ role: 'user', content: 'Say hello.' }],
        ...body,
      }),
    });
  }

  get(path: string): Promise<Response> {
    return fetch(this.url + path, { headers: { authorization: `Bearer ${this.key}` } });
  }

  async view(): Promise<ConfigView> {
    return (await (await this.get('/v1/config')).json()) as ConfigView;
  }

  stop(): Promise<void> {
    return this.open.disposeAsync();
  }
}
