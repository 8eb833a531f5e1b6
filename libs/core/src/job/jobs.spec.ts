import { env } from 'node:process';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { JobWorld, STEPS, type Step } from './job-world.js';

/** Random schedules; a nightly run asks for 1,000,000. */
const RUNS = Number(env['SLUICE_PROPERTY_RUNS'] ?? 4_000);
const STEPS_AT_MOST = 120;
const PICKS = 12;

type Schedule = readonly (readonly [Step, number])[];

function play(schedule: Schedule): JobWorld {
  const world = new JobWorld();
  for (const [step, pick] of schedule) world.do(step, pick);
  world.settle();
  return world;
}

const step = fc
  .nat({ max: STEPS.length * PICKS - 1 })
  .map((drawn): [Step, number] => [STEPS[drawn % STEPS.length]!, Math.floor(drawn / STEPS.length)]);

describe('the jobs of a group', () => {
  it(
    `keep what their module promises, in ${RUNS} schedules of crashes, losses and repeats`,
    () => {
      const reached = new Set<string>();
      fc.assert(
        fc.property(fc.array(step, { maxLength: STEPS_AT_MOST, size: 'max' }), (schedule) => {
          for (const corner of play(schedule).reached) reached.add(corner);
        }),
        { numRuns: RUNS },
      );
      // The schedules must reach every corner, or their success says little.
      expect([...reached].toSorted()).toEqual([
        'a stray',
        'begin: over',
        'cancel: cancelled',
        'cancel: cancelling',
        'cancel: over',
        'cancelled',
        'completed',
        'crash counted',
        'ended from outside: queued',
        'ended from outside: running',
        'expired',
        'failed',
        'fed again',
        'sent again',
        'stale',
        'swept',
      ]);
    },
    10_000 + RUNS * 2,
  );
});
