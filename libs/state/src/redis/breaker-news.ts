import type { Redis } from 'ioredis';
import type { DeploymentBreakers } from '../deployment-breakers.js';
import { deploymentOfKey, type Leases } from './leases.js';

/** Where the settle and reset scripts tell each transition: `open` or `closed`, a space, and the deployment's key. */
const CHANNEL = 'sluice:breakers';

export interface Watched {
  readonly group: string;
  readonly id: string;
}

/**
 * Makes this process's circuits follow the cluster's breakers without a call of its own: transitions come on a channel.
 * At the start, and whenever the channel was away, it looks which are open: what was told meanwhile was not heard.
 */
export class BreakerNews {
  /** Told of while a look is under way: newer than what the look says. */
  private readonly fresh = new Set<string>();

  /** @param subscriber shared with others: a subscribed connection */
  constructor(
    private readonly subscriber: Redis,
    private readonly leases: Pick<Leases, 'look'>,
    private readonly breakers: Pick<DeploymentBreakers, 'sync'>,
    private readonly watched: () => Iterable<Watched>,
    private readonly onError: (error: Error) => void,
  ) {}

  async start(): Promise<void> {
    this.subscriber.on('message', this.hear);
    this.subscriber.on('ready', this.lookAgain);
    await this.subscriber.subscribe(CHANNEL);
    await this.look();
  }

  stop(): void {
    this.subscriber.off('message', this.hear);
    this.subscriber.off('ready', this.lookAgain);
  }

  private readonly hear = (channel: string, message: string): void => {
    if (channel !== CHANNEL) return;
    const at = message.indexOf(' ');
    const id = deploymentOfKey(message.slice(at + 1));
    this.fresh.add(id);
    this.breakers.sync(id, message.slice(0, at) === 'open' ? 'open' : 'closed');
  };

  private readonly lookAgain = (): void => void this.look().catch(this.onError);

  private async look(): Promise<void> {
    const byGroup = Map.groupBy(this.watched(), ({ group }) => group);
    this.fresh.clear();
    await Promise.all(
      [...byGroup].map(async ([group, deployments]) => {
        const ids = deployments.map(({ id }) => id);
        for (const { deploymentId, breaker } of await this.leases.look(group, ids)) {
          if (!this.fresh.has(deploymentId)) this.breakers.sync(deploymentId, breaker === 'closed' ? 'closed' : 'open');
        }
      }),
    );
  }
}
