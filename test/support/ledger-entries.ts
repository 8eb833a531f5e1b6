import { randomBytes } from 'node:crypto';
import { newJobId } from '@sluice/core';
import type { DurableJob, LedgerEntry, Outcome, TerminalState } from '@sluice/wire';
import type { Redis } from 'ioredis';

/** A durable job as its submission writes it down. */
export function durableJob(over: Partial<DurableJob> = {}): DurableJob {
  return {
    kind: 'native',
    tenant: 'default',
    endpoint: '/v1/chat/completions',
    model: 'gpt-4o',
    priority: 'normal',
    metadata: {},
    createdAtMs: Date.now(),
    deadlineMs: Date.now() + 86_400_000,
    retention: { resultMs: 86_400_000 },
    ...over,
  };
}

export const jobIdAt = (ms: number): string => newJobId(ms, randomBytes(10), 1);

export const acceptedEntry = (durable: DurableJob, jobId = jobIdAt(durable.createdAtMs)): LedgerEntry => ({
  id: '0-1',
  type: 'accepted',
  jobId,
  durable,
});

export function overEntry(
  accepted: LedgerEntry,
  state: TerminalState = 'completed',
  code?: NonNullable<Outcome['error']>['code'],
): LedgerEntry {
  const { jobId, durable } = accepted;
  const outcome: Outcome = { state, ...(code === undefined ? {} : { error: { code, message: code } }) };
  const finishedAtMs = durable.createdAtMs + 2_000;
  const startedAtMs = durable.createdAtMs + 1_000;
  return { id: '0-2', type: 'over', jobId, durable, state, outcome, startedAtMs, finishedAtMs, attempts: 1 };
}

export const endedEntry = (type: 'erased' | 'dismissed', { jobId, durable }: LedgerEntry): LedgerEntry => ({
  id: '0-3',
  type,
  jobId,
  durable,
});

/** As the scripts write it. */
export async function addToLedger(redis: Redis, group: string, entry: LedgerEntry): Promise<void> {
  const fields = ['t', entry.type, 'j', entry.jobId, 'd', JSON.stringify(entry.durable)];
  if (entry.type === 'over') {
    const { state, outcome, finishedAtMs, startedAtMs, attempts } = entry;
    fields.push('s', state, 'o', JSON.stringify(outcome), 'f', `${finishedAtMs}`);
    fields.push('b', `${startedAtMs ?? ''}`, 'a', `${attempts}`);
  }
  await redis.xadd(`{sluice:${group}}:ledger`, '*', ...fields);
  await redis.publish('sluice:ledger', group);
}
