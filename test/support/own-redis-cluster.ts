import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { eventually } from '../eventually.js';
import { temporaryFolder } from './sluice-process.js';

/** Three masters of a Redis Cluster, on loopback ports of their own. */
export class OwnRedisCluster {
  private readonly nodes: ChildProcess[] = [];
  private ports: number[] = [];

  get url(): string {
    return `redis-cluster://${this.ports.map((port) => `127.0.0.1:${port}`).join(',')}`;
  }

  async start(): Promise<this> {
    this.ports = await Promise.all([freePort(), freePort(), freePort()]);
    for (const port of this.ports) this.nodes.push(startNode(port));
    const cli = (...args: string[]): string => String(spawnSync('redis-cli', args, { encoding: 'utf8' }).stdout);
    const answers = (port: number): boolean => cli('-p', String(port), 'ping').includes('PONG');
    await eventually(() => this.ports.every(answers), { withinMs: 5_000, what: 'three nodes to answer' });
    cli('--cluster', 'create', ...this.ports.map((port) => `127.0.0.1:${port}`), '--cluster-yes');
    const isWhole = (port: number): boolean => cli('-p', String(port), 'cluster', 'info').includes('cluster_state:ok');
    await eventually(() => this.ports.every(isWhole), { withinMs: 15_000, what: 'the cluster to be whole' });
    return this;
  }

  async stop(): Promise<void> {
    await Promise.all(
      this.nodes.map(async (node) => {
        if (node.exitCode !== null || node.signalCode !== null) return;
        node.kill('SIGKILL');
        await once(node, 'exit');
      }),
    );
  }
}

function startNode(port: number): ChildProcess {
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', temporaryFolder(), '--save', ''];
  args.push('--cluster-enabled', 'yes', '--cluster-node-timeout', '3000', '--maxmemory-policy', 'noeviction');
  return spawn('redis-server', args, { stdio: 'ignore' });
}

/** The bus of a node listens 10,000 above. */
async function freePort(): Promise<number> {
  for (;;) {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    server.close();
    await once(server, 'close');
    if (port < 55_000) return port;
  }
}
