import type { Deployment, Seen, SeenNeeds } from '@sluice/core';
import type { Redis } from 'ioredis';
import { latencyKeyOf } from './lease-notes.js';
import { keysOf, type Leases } from './leases.js';
import { RefreshLoop } from './refresh-loop.js';

/** What strategies of this process know of the cluster's deployments. Nothing is read that no strategy wants. */
export class SeenDeployments {
  private byId: ReadonlyMap<string, Seen> = new Map();
  private readonly loop: RefreshLoop;

  /** @param needs of the configuration as it is now */
  constructor(
    private readonly redis: Redis,
    private readonly leases: Pick<Leases, 'look'>,
    private readonly needs: () => SeenNeeds,
    onError: (error: Error) => void,
  ) {
    this.loop = new RefreshLoop(() => this.refresh(), onError);
  }

  /** Undefined: nothing is known, or wanted. */
  readonly of = (deploymentId: string): Seen | undefined => this.byId.get(deploymentId);

  start(): Promise<void> {
    return this.loop.start();
  }

  stop(): void {
    this.loop.stop();
  }

  private async refresh(): Promise<void> {
    this.byId = await readSeen(this.redis, this.leases, this.needs());
  }
}

/** Once, for whoever asks now. */
export async function readSeen(
  redis: Redis,
  leases: Pick<Leases, 'look'>,
  { latency, load }: SeenNeeds,
): Promise<ReadonlyMap<string, Seen>> {
  const byId = new Map<string, Seen>();
  const add = (id: string, more: Seen): unknown => byId.set(id, { ...byId.get(id), ...more });
  const samples = async (key: string): Promise<number[]> => (await redis.lrange(key, 0, -1)).map(Number);
  await Promise.all([
    ...latency.map(async ({ id, group }) => {
      const [dep] = keysOf(group, id);
      const [firstTokenMs, msPerToken] = await Promise.all([
        samples(latencyKeyOf(dep, 'firstTokenMs')),
        samples(latencyKeyOf(dep, 'msPerToken')),
      ]);
      add(id, { firstTokenMs, msPerToken });
    }),
    ...byHome(load).map(async ([group, ids]) => {
      for (const { deploymentId, inFlight, requests, tokens } of await leases.look(group, ids))
        add(deploymentId, { load: { inFlight, requests, tokens } });
    }),
  ]);
  return byId;
}

const byHome = (deployments: readonly Deployment[]): [group: string, ids: string[]][] =>
  [...Map.groupBy(deployments, ({ group }) => group)].map(([group, members]) => [group, members.map(({ id }) => id)]);
