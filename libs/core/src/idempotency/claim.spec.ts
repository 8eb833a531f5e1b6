import { env } from 'node:process';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { claimKey, settleClaim, type ClaimReply, type Claims } from './claim.js';
import { meetJob, type MetJob } from './meet-job.js';

const RUNS = Number(env['SLUICE_PROPERTY_RUNS'] ?? 3_000);
const DAY_MS = 86_400_000;
const KEY = 'k';

describe('a claim', () => {
  const ask = (id: string, more = {}) => ({ fingerprint: 'f', id, group: 'g', keptMs: DAY_MS, ...more });

  it('fixes id and group for all who come', () => {
    const claims: Claims = new Map();
    expect(claimKey(claims, KEY, ask('a'), 0)).toEqual({ kind: 'mine', id: 'a', group: 'g' });
    const met = { kind: 'theirs', id: 'a', group: 'g', ageMs: 5, isDone: false };
    expect(claimKey(claims, KEY, ask('b', { group: 'h' }), 5)).toEqual(met);
    expect(claimKey(claims, KEY, ask('c', { fingerprint: 'other' }), 5)).toEqual({ kind: 'reused' });
    settleClaim(claims, KEY, { id: 'a', how: 'done' }, 6);
    expect(claimKey(claims, KEY, ask('d'), 7)).toEqual({ ...met, ageMs: 7, isDone: true });
  });

  it('goes with its last maker when all were refused, and not before', () => {
    const claims: Claims = new Map();
    claimKey(claims, KEY, ask('a'), 0);
    claimKey(claims, KEY, ask('b'), 0);
    settleClaim(claims, KEY, { id: 'a', how: 'refused' }, 1);
    expect(claimKey(claims, KEY, ask('c', { fingerprint: 'other' }), 1)).toEqual({ kind: 'reused' });
    settleClaim(claims, KEY, { id: 'a', how: 'refused' }, 1);
    expect(claimKey(claims, KEY, ask('c', { fingerprint: 'other' }), 1)).toMatchObject({ kind: 'mine', id: 'c' });
  });

  it('of what has one maker is given to the next when its lease has run out', () => {
    const claims: Claims = new Map();
    expect(claimKey(claims, KEY, ask('a', { busyMs: 100 }), 0)).toMatchObject({ kind: 'mine', id: 'a' });
    expect(claimKey(claims, KEY, ask('b', { busyMs: 100 }), 60)).toEqual({ kind: 'busy', forMs: 40 });
    expect(claimKey(claims, KEY, ask('b', { busyMs: 100 }), 100)).toMatchObject({ kind: 'mine', id: 'a' });
    settleClaim(claims, KEY, { id: 'a', how: 'unknown' }, 110); // it gave up
    expect(claimKey(claims, KEY, ask('c', { busyMs: 100 }), 110)).toMatchObject({ kind: 'mine', id: 'a' });
    settleClaim(claims, KEY, { id: 'a', how: 'done' }, 120);
    expect(claimKey(claims, KEY, ask('d', { busyMs: 100 }), 120)).toMatchObject({ kind: 'theirs', isDone: true });
  });
});

/** Where a caller is between two commands. It may die at any of them. */
type Caller =
  | { at: 'start'; insteadOf: string }
  | { at: 'claimed'; claim: Extract<ClaimReply, { id: string }> }
  | { at: 'making'; id: string }
  | { at: 'settling'; id: string; how: 'done' | 'refused' }
  | { at: 'gone' };

const ACTIONS = ['step', 'step', 'step', 'step', 'refuse', 'die', 'end', 'fail', 'cancel', 'new', 'new'] as const;

describe('callers with one key', () => {
  it('never have two jobs of which both may answer, whoever dies or is refused where', () => {
    const seen = new Set<string>();
    const history = fc.array(fc.record({ do: fc.constantFrom(...ACTIONS), pick: fc.nat({ max: 99 }) }), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(history, (steps) => {
        const claims: Claims = new Map();
        const jobs = new Map<string, MetJob>();
        const callers: Caller[] = [];
        const answering = (): string[] =>
          [...jobs].filter(([, job]) => meetJob({ isDone: true, ageMs: 0 }, job, false) === 'share').map(([id]) => id);
        for (const [i, { do: what, pick }] of steps.entries()) {
          const nth = pick % Math.max(1, callers.length);
          const job = [...jobs.values()][pick % Math.max(1, jobs.size)];
          if (what === 'new') callers.push({ at: 'start', insteadOf: '' });
          else if (what === 'end' && job?.state === 'queued') job.state = 'completed';
          else if (what === 'cancel' && job?.state === 'queued') job.state = 'cancelled';
          else if (what === 'fail' && job?.state === 'queued') Object.assign(job, { state: 'failed', isStarred: true });
          else if (what === 'die' && callers.length > 0) callers[nth] = { at: 'gone' };
          else if (callers[nth] !== undefined) callers[nth] = go(callers[nth], what === 'refuse', `job${i}`);
          expect(answering().length).toBeLessThanOrEqual(1);
          for (const id of answering()) expect(claims.get(KEY)?.id).toBe(id); // whoever comes next finds it
        }

        function go(caller: Caller, isRefused: boolean, newId: string): Caller {
          switch (caller.at) {
            case 'start': {
              const { insteadOf } = caller;
              const ask = { fingerprint: 'f', id: newId, group: 'g', keptMs: DAY_MS, insteadOf };
              const claim = claimKey(claims, KEY, ask, 0) as Extract<ClaimReply, { id: string }>;
              return claim.kind === 'mine' ? { at: 'making', id: claim.id } : { at: 'claimed', claim };
            }
            case 'claimed': {
              const { claim } = caller;
              const isDone = claim.kind === 'theirs' && claim.isDone;
              const meeting = meetJob({ isDone, ageMs: 0 }, jobs.get(claim.id), false);
              seen.add(meeting);
              if (meeting === 'make') return { at: 'making', id: claim.id };
              if (!isDone) settleClaim(claims, KEY, { id: claim.id, how: 'done' }, 0);
              return meeting === 'replace' ? { at: 'start', insteadOf: claim.id } : { at: 'gone' };
            }
            case 'making': {
              const isThere = jobs.has(caller.id); // accepted however full the queue is
              if (isRefused && !isThere) return { at: 'settling', id: caller.id, how: 'refused' };
              if (!isThere) jobs.set(caller.id, { state: 'queued', isStarred: false });
              return { at: 'settling', id: caller.id, how: 'done' };
            }
            case 'settling':
              settleClaim(claims, KEY, caller, 0);
              seen.add(caller.how);
              return { at: 'gone' };
            case 'gone':
              return caller;
          }
        }
      }),
      { numRuns: RUNS },
    );
    expect([...seen].toSorted()).toEqual(['done', 'make', 'refused', 'replace', 'share']);
  });
});
