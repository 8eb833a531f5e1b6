import {
  LEASE_MS,
  type DeploymentStatus,
  type HeldLease,
  type LeaseAsk,
  type LeaseOutcome,
  type LeaseRefused,
  type LeaseTaken,
  type LimitWord,
  type RefusalVerdict,
  type SettledLease,
} from '@sluice/core';
import type { Redis } from 'ioredis';
import limitWord from './scripts/limit-word.lua';
import lookDeployments from './scripts/look-deployments.lua';
import renewLeases from './scripts/renew-leases.lua';
import resetDeployment from './scripts/reset-deployment.lua';
import settleLease from './scripts/settle-lease.lua';
import takeLease from './scripts/take-lease.lua';
import { noteArgsOf, noteKeyOf } from './lease-notes.js';

/** Most leases that one renewal names: Lua's stack bounds the arguments of one command. */
const RENEWED_AT_ONCE = 1_000;

/**
 * Expiring claims on the capacity of deployments, shared by all workers, with the cooldowns and breakers that decide who
 * gets one. Each call is one script on one slot. Errors are those of the connection; a `take` whose answer was lost leaves
 * a lease that runs out by itself.
 */
export class Leases {
  private readonly scripts: Scripts;
  private readonly leases = new Map<string, HeldLease>();
  private readonly nowMs: () => number | '';

  /** @param clock For tests: Unix ms instead of the Redis server's time. */
  constructor(redis: Redis, clock?: () => number) {
    redis.defineCommand('sluiceTakeLease', { lua: withLimitWord(takeLease) });
    redis.defineCommand('sluiceSettleLease', { lua: withLimitWord(settleLease) });
    redis.defineCommand('sluiceRenewLeases', { lua: renewLeases });
    redis.defineCommand('sluiceLookDeployments', { lua: lookDeployments });
    redis.defineCommand('sluiceResetDeployment', { lua: resetDeployment, numberOfKeys: 2 });
    this.scripts = redis as unknown as Scripts;
    this.nowMs = clock ?? (() => '');
  }

  /** Leases that this process holds. */
  get held(): number {
    return this.leases.size;
  }

  /** The first free candidate, or of each why it is not. With no candidates: refused, and nobody is asked. */
  async take(ask: LeaseAsk): Promise<LeaseTaken | LeaseRefused> {
    const candidates = inTierOrder(ask.candidates);
    if (candidates.length === 0) return { taken: false, refusals: [], nowMs: 0 };

    const keys: string[] = [];
    const args: (string | number)[] = [
      ask.leaseId,
      LEASE_MS,
      Math.ceil(ask.tokens),
      ask.strategy,
      ask.probeEveryWhenAllOpenMs,
      this.nowMs(),
    ];
    for (const { id, order, rpm, tpm, maxParallel } of candidates) {
      keys.push(...keysOf(ask.group, id));
      args.push(order, rpm, tpm, maxParallel);
    }
    const reply = await this.scripts.sluiceTakeLease(keys.length, ...keys, ...args);
    if (reply[0] === 0) return refusedOf(ask, candidates, reply as [0, number, ...(string | number)[]]);

    const [, index, isProbe, inFlight, nowMs, isRationed] = reply as [1, number, 0 | 1, number, number, 0 | 1];
    const chosen = candidates[index - 1]!;
    const lease: HeldLease = {
      group: ask.group,
      deploymentId: chosen.id,
      leaseId: ask.leaseId,
      isProbe: isProbe === 1,
      takenAtMs: nowMs,
      tokens: Math.ceil(ask.tokens),
      isCounted: chosen.rpm > 0 || chosen.tpm > 0 || ask.strategy === 'least-used',
      inFlight,
      isRationed: isRationed === 1,
    };
    this.leases.set(lease.leaseId, lease);
    return { taken: true, lease, nowMs };
  }

  /** Safe to repeat: only the first of all settles of a lease, in whichever process, changes anything. */
  async settle(lease: HeldLease, outcome: LeaseOutcome): Promise<SettledLease> {
    this.leases.delete(lease.leaseId);
    const used = outcome.kind === 'unused' ? 0 : (outcome.tokens ?? lease.tokens);
    const { rules } = outcome;
    const [dep, slots, use] = keysOf(lease.group, lease.deploymentId);
    const notes = outcome.notes ?? [];
    const [stateAfter, untilMs, wasProbe, changed] = await this.scripts.sluiceSettleLease(
      4 + notes.length,
      dep,
      slots,
      use,
      failsKeyOf(dep),
      ...notes.map((note) => noteKeyOf(lease.group, dep, note)),
      lease.leaseId,
      outcome.kind,
      lease.isCounted ? Math.floor(lease.takenAtMs / 1_000) : '',
      Math.ceil(used) - lease.tokens,
      ('retryAfterMs' in outcome ? outcome.retryAfterMs : undefined) ?? '',
      'reason' in outcome ? outcome.reason : '',
      outcome.kind === 'failed' && outcome.tripped ? 1 : 0,
      rules.allowedFails ?? '',
      rules.cooldownMs ?? '',
      rules.disableCooldowns || rules.cooldownMs === 0 ? 1 : 0,
      rules.countsAs ?? '',
      outcome.said === undefined ? '' : wordOf(outcome.said, lease),
      lease.tokens,
      this.nowMs(),
      ...notes.flatMap(noteArgsOf),
    );
    return { stateAfter, untilMs, wasProbe: wasProbe === 1, changed };
  }

  /** The worker's beat, every 2 s: all leases of this process run on. Rejects when a group could not be renewed. */
  async renewAll(): Promise<void> {
    const calls: Promise<unknown>[] = [];
    for (const deployments of byGroup(this.leases.values())) {
      const keys: string[] = [];
      const args: (string | number)[] = [];
      for (const [slots, leaseIds] of deployments) {
        keys.push(slots);
        args.push(leaseIds.length, ...leaseIds);
      }
      calls.push(this.scripts.sluiceRenewLeases(keys.length, ...keys, LEASE_MS, this.nowMs(), ...args));
    }
    await Promise.all(calls);
  }

  /** In the order of the ids. A deployment that nobody used is closed and idle. */
  async look(group: string, deploymentIds: readonly string[]): Promise<DeploymentStatus[]> {
    if (deploymentIds.length === 0) return [];
    const keys = deploymentIds.flatMap((id) => keysOf(group, id));
    const [nowMs, ...seen] = await this.scripts.sluiceLookDeployments(keys.length, ...keys, this.nowMs());
    return deploymentIds.map((deploymentId, i) => {
      const [coolingUntilMs, coolingReason, openUntilMs, openReason, failures, inFlight, requests, tokens] = seen.slice(
        8 * i,
        8 * i + 8,
      ) as [number, string, number, string, number, number, number, number];
      const breaker = openUntilMs === 0 ? 'closed' : openUntilMs > Number(nowMs) ? 'open' : 'half_open';
      const reasons = { coolingUntilMs, coolingReason, breaker, openUntilMs, openReason } as const;
      return { deploymentId, ...reasons, failures, inFlight, requests, tokens };
    });
  }

  /** Ends its cooldown and closes its breaker, at once and in the whole cluster. */
  async reset(group: string, deploymentId: string): Promise<void> {
    const [dep] = keysOf(group, deploymentId);
    await this.scripts.sluiceResetDeployment(dep, failsKeyOf(dep));
  }
}

/** What `defineCommand` adds to the client. */
interface Scripts {
  sluiceTakeLease: (...args: (string | number)[]) => Promise<(string | number)[]>;
  sluiceSettleLease: (
    ...args: (string | number)[]
  ) => Promise<[SettledLease['stateAfter'], number, 0 | 1, SettledLease['changed']]>;
  sluiceRenewLeases: (...args: (string | number)[]) => Promise<number>;
  sluiceLookDeployments: (...args: (string | number)[]) => Promise<(string | number)[]>;
  sluiceResetDeployment: (...args: string[]) => Promise<number>;
}

/** What both scripts share stands before each. Redis reads the flags from the first line. */
function withLimitWord(lua: string): string {
  const flags = /^#!.*\n/.exec(lua)?.[0] ?? '';
  return flags + limitWord + lua.slice(flags.length);
}

/** As settle-lease.lua reads it. */
function wordOf(said: LimitWord | 'plenty' | 'enough', { takenAtMs }: HeldLease): string {
  if (typeof said === 'string') return `${said} ${takenAtMs}`;
  const part = (word: LimitWord['requests']): string =>
    word === undefined ? '0 0' : `${Math.max(0, Math.floor(word.left))} ${Math.max(0, Math.floor(word.untilMs))}`;
  return `${part(said.requests)} ${part(said.tokens)} ${takenAtMs}`;
}

/** An id is the user's: a colon in it must not lead to another deployment's `:slots`. */
export function keysOf(group: string, deploymentId: string): [dep: string, slots: string, use: string] {
  const id = /[%:]/.test(deploymentId) ? deploymentId.replaceAll('%', '%25').replaceAll(':', '%3A') : deploymentId;
  const dep = `{sluice:${group}}:dep:${id}`;
  return [dep, `${dep}:slots`, `${dep}:use`];
}

/** The deployment of a `dep` key. */
export function deploymentOfKey(dep: string): string {
  const id = dep.slice(dep.lastIndexOf(':dep:') + 5);
  return id.includes('%') ? id.replaceAll('%3A', ':').replaceAll('%25', '%') : id;
}

function failsKeyOf(dep: string): string {
  return `${dep}:fails`;
}

/** The script reads tiers as they come. Stable: the order of preference stays inside a tier. */
function inTierOrder(candidates: LeaseAsk['candidates']): LeaseAsk['candidates'] {
  const isSorted = candidates.every((c, i) => i === 0 || candidates[i - 1]!.order <= c.order);
  return isSorted ? candidates : candidates.toSorted((a, b) => a.order - b.order);
}

function refusedOf(
  ask: LeaseAsk,
  inTiers: LeaseAsk['candidates'],
  [, nowMs, ...verdicts]: [0, number, ...(string | number)[]],
): LeaseRefused {
  const refusals = ask.candidates.map((candidate) => {
    const at = 2 * inTiers.indexOf(candidate);
    return {
      deploymentId: candidate.id,
      verdict: verdicts[at] as RefusalVerdict,
      untilMs: verdicts[at + 1] as number,
    };
  });
  return { taken: false, refusals, nowMs };
}

/** Of each home group, and in portions that one script bears: slots key -> lease ids. */
function byGroup(leases: Iterable<HeldLease>): Map<string, string[]>[] {
  const calls: Map<string, string[]>[] = [];
  const open = new Map<string, { deployments: Map<string, string[]>; size: number }>();
  for (const lease of leases) {
    let call = open.get(lease.group);
    if (!call || call.size === RENEWED_AT_ONCE) {
      call = { deployments: new Map(), size: 0 };
      open.set(lease.group, call);
      calls.push(call.deployments);
    }
    const [, slots] = keysOf(lease.group, lease.deploymentId);
    const ids = call.deployments.get(slots);
    if (ids) ids.push(lease.leaseId);
    else call.deployments.set(slots, [lease.leaseId]);
    call.size++;
  }
  return calls;
}
