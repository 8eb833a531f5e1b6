import type { Settings } from '@sluice/config';
import type { Deployment, ModelTable, RoutingPolicy } from '@sluice/core';
import type { RunDeps } from '@sluice/pipeline';
import type { ProviderClient } from '@sluice/providers';
import type { InferenceWorkers, JobRecords, WorkerBeat } from '@sluice/queue';
import type { DeploymentBreakers } from '@sluice/state';
import type { Emit } from '@sluice/telemetry';

export interface ServedGroupsParts {
  /** Whose jobs it runs, at start. */
  groups: readonly string[];
  /** Those of the configuration that it has to do with, at start. */
  named: readonly string[];
  records: Pick<JobRecords, 'unfinished'>;
  inference: Pick<InferenceWorkers, 'open' | 'close'>;
  beat: Pick<WorkerBeat, 'join' | 'leave' | 'forget'>;
  providers: Pick<ProviderClient, 'keepOrigins'>;
  breakers: Pick<DeploymentBreakers, 'keep'>;
  /** Calls of the group that wait for capacity look again. */
  openGate: (group: string) => Promise<void>;
  emit: Emit;
  onError: (error: Error) => void;
}

const LOOK_EVERY_MS = 1_000;

/** `--groups`, else all. */
export const groupsNamed = ({ workerGroups, models }: Settings): readonly string[] =>
  workerGroups ?? [...models.groups.keys()];

/** Whose jobs it runs. */
export const groupsServed = (settings: Settings): readonly string[] =>
  settings.workerRoles.includes('inference') ? groupsNamed(settings) : [];

/**
 * The groups whose jobs this worker runs, and what a run of each begins with, through all reloads. A run keeps the object
 * that it was given, so that it ends on what it began with.
 *
 *     (new) ──► served ──reload without it──► draining ──no unfinished job──► (gone)
 *                  ▲                             │
 *                  └───────reload with it────────┘
 *
 * A draining group is served with the last configuration that had it. Apis that have not read the new one yet may go on
 * to send it calls: the worker leaves when there are none, looks again, and stays if one came in between.
 */
export class ServedGroups {
  private readonly open: Set<string>;
  private named: readonly string[];
  private readonly draining = new Map<string, RunDeps>();
  /** One change at a time: a reload, or a look at what drains. */
  private turn: Promise<void> = Promise.resolve();
  private timer: NodeJS.Timeout | undefined;
  private isStopped = false;

  constructor(
    private deps: RunDeps,
    private readonly parts: ServedGroupsParts,
  ) {
    this.open = new Set(parts.groups);
    this.named = parts.named;
  }

  /** What a run of the group begins with. Asked for each job. */
  depsFor(group: string): RunDeps {
    return this.draining.size === 0 ? this.deps : (this.draining.get(group) ?? this.deps);
  }

  /** It is in the configuration, or was and drains here. */
  isKnown(group: string): boolean {
    return this.deps.models.groups.has(group) || this.open.has(group);
  }

  /** Whose ledgers are read here, whether or not their jobs are run here. */
  get ledgers(): readonly string[] {
    return [...new Set([...this.named, ...this.open])];
  }

  /** Of the configuration as it is now. */
  get models(): ModelTable {
    return this.deps.models;
  }

  get policy(): RoutingPolicy {
    return this.deps.policy;
  }

  /** `sluice.strict`. */
  get isStrict(): boolean {
    return this.deps.isStrict;
  }

  /** All that the configuration has now. */
  deployments(): Iterable<Deployment> {
    return this.deps.models.deployments.values();
  }

  /** Rejects when Redis could not be told; the settings are in force all the same. Safe to repeat. */
  reconfigure(settings: Settings): Promise<void> {
    return this.inTurn(() => this.take(settings));
  }

  stop(): void {
    this.isStopped = true;
    clearTimeout(this.timer);
  }

  private async take(settings: Settings): Promise<void> {
    if (this.isStopped) return;
    const before = this.deps;
    const wanted = new Set(groupsServed(settings));
    this.named = groupsNamed(settings);
    const { models, policy, strictNames: isStrict } = settings;
    this.deps = { ...before, models, policy, isStrict };
    for (const group of this.open) {
      if (wanted.has(group)) this.draining.delete(group);
      else if (!this.draining.has(group)) this.draining.set(group, before);
    }
    this.closeWhatIsGone();
    this.lookLater();
    for (const group of wanted) {
      if (this.open.has(group)) continue;
      this.open.add(group);
      this.parts.inference.open(group); // before calls are let in
    }
    const { beat, openGate } = this.parts;
    await Promise.all([...wanted].flatMap((group) => [beat.join(group), openGate(group)])); // there may be more to ask now
  }

  private lookLater(): void {
    clearTimeout(this.timer);
    if (this.draining.size === 0 || this.isStopped) return;
    this.timer = setTimeout(() => {
      this.inTurn(() => this.look())
        .catch(this.parts.onError)
        .finally(() => this.lookLater());
    }, LOOK_EVERY_MS);
  }

  private async look(): Promise<void> {
    const { records, inference, beat, emit } = this.parts;
    for (const group of this.draining.keys()) {
      if (this.isStopped) return;
      const isEmpty = async (): Promise<boolean> => (await records.unfinished(group)) === 0;
      // Once it has left, no more calls are let in, unless another worker serves the group: then the second look is the last.
      const isOver = (await isEmpty()) && (await beat.leave(group).then(isEmpty));
      if (!isOver) {
        await beat.join(group);
        continue;
      }
      await inference.close(group);
      beat.forget(group);
      this.open.delete(group);
      this.draining.delete(group);
      this.closeWhatIsGone();
      emit('group.drained', { group });
    }
  }

  /** Connections and circuits of deployments that nobody can begin to call any more. */
  private closeWhatIsGone(): void {
    const inUse = [this.deps, ...this.draining.values()].flatMap(({ models }) => [...models.deployments.values()]);
    this.parts.providers.keepOrigins(new Set(inUse.map(({ target }) => originOf(target.baseUrl))));
    this.parts.breakers.keep(new Set(inUse.map(({ id }) => id)));
  }

  private inTurn(change: () => Promise<void>): Promise<void> {
    const done = this.turn.then(change);
    this.turn = done.catch(() => undefined);
    return done;
  }
}

const originOf = (url: string): string => URL.parse(url)?.origin ?? '';
