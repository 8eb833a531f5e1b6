import type { Cluster, Redis } from 'ioredis';
import { openNode, openRedis } from './open-redis.js';
import { NotOnDiskError, SyncRounds, type Proof } from './sync-rounds.js';

/** Redis syncs each second, and stops writing when a sync takes two: longer, and its disk is in trouble. */
const WITHIN_MS = 5_000;
/** The one node there is. */
const ALONE = 'alone';

/**
 * For `durability: strict` on a server that syncs behind its answers (judge-syncing.ts): tells when what it has said is on
 * its disk. On connections of its own, a few for each node, opened when they are first needed.
 */
export class Disk {
  private readonly nodes = new Map<string, SyncRounds>();
  /** Of a group's keys. */
  private readonly slots = new Map<string, Promise<number>>();
  private stopped = false;

  constructor(
    private readonly redisUrl: string,
    private readonly commands: Redis,
  ) {}

  /**
   * Resolves when what a look at a group's keys finds is on disk.
   * @param look a command that reads
   * @param holds whether what it found is what was seen before; if not, the server has lost that
   * @throws NotOnDiskError within 5 s
   */
  async holds(
    group: string,
    look: readonly [command: string, ...rest: string[]],
    holds: (reply: unknown) => boolean,
  ): Promise<void> {
    const marker = `{sluice:${group}}:synced`;
    const proof: Proof = { look, holds, marker };
    await this.roundsAt(await this.nodeOf(group, marker)).prove(proof);
  }

  stop(): void {
    this.stopped = true;
    for (const rounds of this.nodes.values()) rounds.stop();
  }

  private async nodeOf(group: string, key: string): Promise<string> {
    if (!this.commands.isCluster) return ALONE;
    const cluster = this.commands as unknown as Cluster;
    let asking = this.slots.get(group);
    if (asking === undefined) {
      asking = cluster.cluster('KEYSLOT', key);
      this.slots.set(group, asking);
      asking.catch(() => this.slots.delete(group));
    }
    const node = cluster.slots[await asking]?.[0];
    if (node === undefined) throw new NotOnDiskError('No node of the Cluster has the slot of the group.');
    return node;
  }

  private roundsAt(node: string): SyncRounds {
    let rounds = this.nodes.get(node);
    if (rounds === undefined) {
      if (node !== ALONE) this.forgetGone();
      const as = { role: 'disk', onError: () => undefined } as const; // `commands` tells of outages
      const open = (): Redis => (node === ALONE ? openRedis(this.redisUrl, as) : openNode(this.redisUrl, node, as));
      rounds = new SyncRounds(open, WITHIN_MS);
      if (this.stopped) rounds.stop();
      this.nodes.set(node, rounds);
    }
    return rounds;
  }

  /** Nodes that are no masters any more: their connections would be tried for ever. */
  private forgetGone(): void {
    const masters = new Set((this.commands as unknown as Cluster).slots.map((nodes) => nodes?.[0]));
    for (const [node, rounds] of this.nodes) {
      if (masters.has(node)) continue;
      rounds.stop();
      this.nodes.delete(node);
    }
  }
}
