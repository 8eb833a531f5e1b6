import type { LeaseNote } from '@sluice/core';

type SampleSort = Extract<LeaseNote, { kind: 'sample' }>['of'];

/** @param dep the deployment's own key */
export const latencyKeyOf = (dep: string, of: SampleSort): string => `${dep}:latency:${of}`;

/** In the group's slot: what a budget has cost in all is the sum over the groups of its deployments. */
export const spendKeyOf = (group: string, budget: string, startMs: number): string =>
  `{sluice:${group}}:spend:${startMs}:${budget}`;

/** Where `settle-lease.lua` writes a note. */
export const noteKeyOf = (group: string, dep: string, note: LeaseNote): string =>
  note.kind === 'sample' ? latencyKeyOf(dep, note.of) : spendKeyOf(group, note.budget, note.startMs);

/** Kept for an hour beyond its window: a worker's clock may be a little behind. */
const KEEP_SPEND_MS = 3_600_000;

/** A million dollars a call: whatever prices are written, the sum stays a number that Redis can add to. */
const MOST_USD_NANOS = 1e15;

export function noteArgsOf(note: LeaseNote): [string | number, string | number, string | number] {
  if (note.kind === 'sample') return [Math.round(note.ms * 1_000) / 1_000, note.keep, note.ttlMs];
  return [Math.min(note.usdNanos, MOST_USD_NANOS) || 0, '', note.endMs === Infinity ? '' : note.endMs + KEEP_SPEND_MS];
}
