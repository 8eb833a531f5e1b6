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

/** Each was once broken; the number says which of the runs, workers … it is about, 0 where nothing stands. */
const HISTORIES: Record<string, string> = {
  'a job whose workers are killed from outside comes to its end among the suspects':
    'accept > fetch > begin > crash > stalled check > fetch 1 > begin > isolate > add arrives > fetch a suspect > ' +
    'begin > suspects die with their worker > stalled check > fetch a suspect > begin > relay > finish',
  'a suspect that was isolated twice, unheard, is added once':
    'accept > fetch > begin > crash > stalled check > fetch 1 > begin > isolate, unheard > isolate > add arrives',
  'a suspect that ends its process is counted':
    'accept > fetch > begin > crash > stalled check > fetch 1 > begin > ' +
    'isolate > add arrives > fetch a suspect > begin > suspects die by themselves > stalled check > fetch a suspect > begin',
  'a job that BullMQ restarts while it stands in the backlog is not run twice':
    'accept > fetch > begin > give back > crash > stalled check > fetch > begin > feed > add arrives > ' +
    'fetch 1 > begin',
  'a job that BullMQ restarts after it was fed again leaves the healthy run alone':
    'accept > fetch > begin > give back > feed > add arrives > fetch 1 > begin > relay > crash > ' +
    'stalled check > fetch 2 > begin > relay',
  'an add that comes late, of a feeder that was frozen, leaves the healthy run alone':
    'accept to backlog > feed > add arrives, and will again > fetch > begin > give back > leave > feed > ' +
    'add arrives 1 > fetch > begin > add arrives > fetch 1 > begin > relay',
  'a worker that wakes up after its job was taken for lost leaves the healthy run alone':
    'accept > fetch > lock is lost > stalled check > fetch 1 > begin 1 > begin > relay',
  'a begin sent again is no crash': 'accept > fetch > begin, unheard > begin > relay',
  'a frame sent again is kept and told once': 'accept > fetch > begin > relay, unheard > relay > relay',
  'an end sent again is told once, and its run hears of it': 'accept > fetch > begin > finish, unheard > finish',
  'a job given back twice waits once': 'accept > fetch > begin > give back, unheard > give back > leave',
  'a job handed back twice is not lost to BullMQ': 'accept > fetch > begin > hand back, unheard > hand back',
  'a job that began after a sweep saw it goes on':
    'accept > time passes 2 > sweep > fetch > begin > end overdue > relay',
  'a job whose run threw before it began is fed under the next number': 'accept 1 > fetch > throw > leave',
  'two feeders at once do not fill the window twice':
    'accept to backlog > accept to backlog > accept to backlog > accept to backlog > feed > feed',
  'a job that was submitted when others wait is not begun where it was added':
    'accept to backlog > submit > fetch > begin > feed > add arrives > add arrives > fetch > begin > finish',
  'a job for later is let in when its time has come, and not before':
    'submit for later > feed > fetch > begin > time passes 2 > feed > add arrives > fetch > begin > finish',
  'a job for later is cancelled where it waits': 'submit for later > cancel > time passes 2 > feed > fetch',
  'a job accepted to the backlog and sent again straight to BullMQ runs once':
    'accept to backlog > accept again > fetch > begin > feed > add arrives > fetch 1 > begin > relay',
};

function scheduleOf(history: string): Schedule {
  return history.split(' > ').map((text) => {
    const [, step, pick] = /^(.+?)(?: (\d+))?$/.exec(text)!;
    return [step as Step, Number(pick ?? 0)];
  });
}

const step = fc
  .nat({ max: STEPS.length * PICKS - 1 })
  .map((drawn): [Step, number] => [STEPS[drawn % STEPS.length]!, Math.floor(drawn / STEPS.length)]);

/** Few schedules would find the way to the suspects: a part begins there. */
const ISOLATED = 'accept > fetch > begin > crash > stalled check > fetch 1 > begin > isolate > add arrives';
const opening = fc.constantFrom<Schedule>([], [], scheduleOf(ISOLATED));

describe('the jobs of a group', () => {
  it.each(Object.keys(HISTORIES))('%s', (what) => {
    expect(() => play(scheduleOf(HISTORIES[what]!))).not.toThrow();
  });

  it(
    `keep what their module promises, in ${RUNS} schedules of crashes, losses and repeats`,
    () => {
      const reached = new Set<string>();
      fc.assert(
        fc.property(opening, fc.array(step, { maxLength: STEPS_AT_MOST, size: 'max' }), (first, schedule) => {
          for (const corner of play([...first, ...schedule]).reached) reached.add(corner);
        }),
        { numRuns: RUNS },
      );
      // The schedules must reach every corner, or their success says little.
      expect([...reached].toSorted()).toEqual([
        'a stray',
        'a suspect ended its process',
        'a suspect was killed from outside',
        'a suspect was swept',
        'begin: over',
        'cancel: cancelled',
        'cancel: cancelling',
        'cancel: over',
        'cancelled',
        'completed',
        'crash counted',
        'delayed',
        'ended from outside: queued',
        'ended from outside: running',
        'expired',
        'failed',
        'fed again',
        'isolated',
        'late write',
        'paused',
        'sent again',
        'stale',
        'swept',
      ]);
    },
    10_000 + RUNS * 2,
  );
});
