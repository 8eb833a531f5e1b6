import type { RejectedConfig, Settings } from '@sluice/config';
import { newJobId } from '@sluice/core';
import type { SubmitDeps } from '@sluice/pipeline';
import { numbersOfGroups } from '@sluice/queue';
import type { Redis } from 'ioredis';
import type { MasterKey } from './http/master-key.js';
import { nextRandom } from './random-bytes.js';

interface Parts extends Pick<
  SubmitDeps,
  'queues' | 'records' | 'claims' | 'promises' | 'hasRoom' | 'inbox' | 'lookAt' | 'seal' | 'nowMs'
> {
  redis: Redis;
  masterKey: MasterKey;
  setLogLevel: (level: Settings['logLevel']) => void;
}

/**
 * The settings that calls see now. A call reads them once, when it comes in, and goes on with what it read. They are
 * replaced whole, in one turn of the event loop: no call sees half of two configurations.
 */
export class LiveSettings {
  /** The last one that was read and not taken, since the settings in force were read. */
  rejected: RejectedConfig | undefined;
  private readonly numbers = new Map<string, number>();

  private constructor(
    public settings: Settings,
    /** What `submitInference` works with. */
    public submit: SubmitDeps,
    private readonly parts: Parts,
  ) {}

  static async of(settings: Settings, parts: Parts): Promise<LiveSettings> {
    const { models, policy, strictNames: isStrict } = settings;
    const { queues, records, claims, promises, hasRoom, inbox, lookAt, seal, nowMs } = parts;
    const numberOf = (group: string): number => live.numbers.get(group) ?? 0;
    const newId = (group: string): string => newJobId(nowMs(), nextRandom(), numberOf(group));
    const shared = { queues, records, claims, promises, hasRoom, inbox, lookAt, seal, nowMs };
    const submit = { ...shared, models, policy, isStrict, newJobId: newId };
    const live: LiveSettings = new LiveSettings(settings, submit, parts);
    await live.numberGroups(settings);
    return live;
  }

  /** Rejects, and changes nothing, when Redis does not answer. */
  async reconfigure(settings: Settings): Promise<void> {
    await this.numberGroups(settings);
    const { models, policy, strictNames: isStrict } = settings;
    this.submit = { ...this.submit, models, policy, isStrict };
    this.settings = settings;
    if (this.rejected !== undefined && this.rejected.atMs <= settings.loadedAtMs) this.rejected = undefined;
    this.parts.masterKey.replace(settings.masterKey);
    this.parts.setLogLevel(settings.logLevel);
  }

  private async numberGroups({ models }: Settings): Promise<void> {
    const unnumbered = [...models.groups.keys()].filter((group) => !this.numbers.has(group));
    for (const [group, number] of await numbersOfGroups(this.parts.redis, unnumbered)) this.numbers.set(group, number);
  }
}
