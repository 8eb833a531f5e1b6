import { claimKeptMs, meetJob, type MetJob } from '@sluice/core';
import type { JobRecords } from '@sluice/queue';
import type { KeyClaims, PromisedAnswers } from '@sluice/state';
import { ERROR_CODES, type ApiError, type Outcome } from '@sluice/wire';
import type { InferenceJob } from './inference-job.js';

/** By its Idempotency-Key. */
export interface KeyedCall {
  kind: 'key';
  /** SHA-256 of tenant, method, path and key. */
  scope: string;
  /** Of the body. */
  fingerprint: string;
}

/** What makes a call the same call as an earlier one. */
export type SameCall =
  | KeyedCall
  /** It repeats a call whose caller was told to come back. @param call SHA-256 of tenant, path and bytes */
  | { kind: 'repeat'; call: string };

export interface SameCallDeps {
  claims: Pick<KeyClaims, 'claim' | 'settle'>;
  promises: Pick<PromisedAnswers, 'take'>;
  records: Pick<JobRecords, 'stateOf' | 'onDisk'>;
}

export type ClaimedJob =
  /** It is to be accepted under this id in this group: once, whoever else does the same. Then `settle`. */
  | { kind: 'make'; jobId: string; group: string; settle: (isAccepted: boolean) => Promise<void> }
  /** It is there. */
  | { kind: 'share'; jobId: string; group: string }
  | { kind: 'refused'; error: ApiError };

/** Each round another caller was faster, with a job that ended at once. */
const MOST_ROUNDS = 10;

/**
 * Which job a call stands for: the prepared one, or that of the same call before. Comes before the job is accepted, since the
 * claim is what says under which id (libs/core/src/idempotency/claim.ts).
 * @param isObject the caller asks for the job itself and not for its answer
 */
export async function claimJob(
  same: SameCall,
  job: Pick<InferenceJob, 'jobId' | 'group' | 'acceptedAtMs' | 'deadlineMs'>,
  deps: SameCallDeps,
  isObject = false,
): Promise<ClaimedJob> {
  return same.kind === 'key' ? claimByKey(same, job, deps, isObject) : takePromised(same.call, job, deps);
}

async function claimByKey(
  { scope, fingerprint }: KeyedCall,
  { jobId, group, acceptedAtMs, deadlineMs }: Pick<InferenceJob, 'jobId' | 'group' | 'acceptedAtMs' | 'deadlineMs'>,
  { claims, records }: SameCallDeps,
  isObject: boolean,
): Promise<ClaimedJob> {
  const ask = { fingerprint, id: jobId, group, keptMs: claimKeptMs(deadlineMs - acceptedAtMs) };
  let insteadOf = '';
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const claim = await claims.claim(scope, { ...ask, insteadOf });
    if (claim.kind === 'reused') return { kind: 'refused', error: KEY_REUSED };
    if (claim.kind === 'busy') break; // jobs have no lease: something else was made with this key
    const { id } = claim;
    const settle = (isAccepted: boolean): Promise<void> =>
      claims.settle(scope, id, isAccepted ? 'done' : 'refused').catch(() => undefined);
    const toMake = { kind: 'make', jobId: id, group: claim.group, settle } as const;
    if (claim.kind === 'mine') return toMake;
    const met = await lookAt(records, claim.group, id);
    const meeting = meetJob(claim, met, isObject);
    if (meeting === 'make') return toMake;
    if (!claim.isDone) void settle(true); // who made it has not said so, or never will
    if (meeting === 'share') {
      if (isObject) await records.onDisk.accepted(claim.group, id); // the call that made it may still wait for that
      return { kind: 'share', jobId: id, group: claim.group };
    }
    if (meeting === 'gone') return { kind: 'refused', error: GONE };
    insteadOf = id;
  }
  return { kind: 'refused', error: IN_PROGRESS };
}

/** A promise whose job has come to nothing is no reason to fail: then this call is one like any other. */
async function takePromised(
  call: string,
  { jobId, group }: Pick<InferenceJob, 'jobId' | 'group'>,
  { promises, records }: SameCallDeps,
): Promise<ClaimedJob> {
  for (;;) {
    const promised = await promises.take(call);
    if (promised === undefined) return { kind: 'make', jobId, group, settle: () => Promise.resolve() };
    const state = (await lookAt(records, promised.group, promised.jobId))?.state;
    if (state === 'queued' || state === 'running' || state === 'completed') return { kind: 'share', ...promised };
  }
}

async function lookAt(records: Pick<JobRecords, 'stateOf'>, group: string, jobId: string): Promise<MetJob | undefined> {
  const record = await records.stateOf(group, jobId);
  if (record === undefined) return undefined;
  const { error } = record.outcome === undefined ? {} : (JSON.parse(record.outcome) as Outcome);
  const isStarred = error !== undefined && ERROR_CODES[error.code].retryable;
  return { state: record.state as MetJob['state'], isStarred };
}

export const KEY_REUSED: ApiError = {
  code: 'idempotency_key_reused',
  message: 'This Idempotency-Key was sent before with another body. A new call needs a new key.',
  param: 'idempotency-key',
};
export const GONE: ApiError = {
  code: 'result_expired',
  message: 'What the call with this Idempotency-Key has made is not there any more. A new call needs a new key.',
};
export const IN_PROGRESS: ApiError = {
  code: 'idempotency_in_progress',
  message: 'Another call with this Idempotency-Key is making the same thing. Come back for it.',
  retryAfterMs: 500,
};
