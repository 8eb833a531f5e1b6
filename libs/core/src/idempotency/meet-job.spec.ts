import { describe, expect, it } from '@jest/globals';
import { claimKeptMs, meetJob, type Meeting, type MetJob } from './meet-job.js';

const YOUNG = { isDone: true, ageMs: 1_000 };
const HOUR_MS = 3_600_000;

describe('who meets a claimed job', () => {
  it.each<[string, MetJob['state'], isStarred: boolean, answer: Meeting]>([
    ['waits for it', 'queued', false, 'share'],
    ['waits for it', 'running', false, 'share'],
    ['gets its answer', 'completed', false, 'share'],
    ['gets its error', 'failed', false, 'share'],
    ['makes another', 'failed', true, 'replace'],
    ['makes another', 'cancelled', false, 'replace'],
    ['makes another', 'expired', false, 'replace'],
  ])('%s: %s, starred %p', (_what, state, isStarred, answer) => {
    expect(meetJob(YOUNG, { state, isStarred }, false)).toBe(answer);
    expect(meetJob(YOUNG, { state, isStarred }, true)).toBe('share'); // asked for the job, which is what it is
  });

  it.each<[string, isDone: boolean, ageMs: number, Meeting]>([
    ['nobody has made it', false, 0, 'make'],
    ['nobody has made it, for long', false, 25 * HOUR_MS, 'make'],
    ['it was deleted', true, 1_000, 'gone'],
    ['its time is over', true, 24 * HOUR_MS, 'replace'],
  ])('and finds no job: %s', (_what, isDone, ageMs, answer) => {
    for (const isObject of [false, true]) expect(meetJob({ isDone, ageMs }, undefined, isObject)).toBe(answer);
  });

  it.each([
    [600_000, 24 * HOUR_MS],
    [24 * HOUR_MS, 24 * HOUR_MS + 660_000],
    [7 * 24 * HOUR_MS, 7 * 24 * HOUR_MS + 660_000],
  ])('remembers it for a day, and ten minutes beyond its end: %d ms', (takesMs, keptMs) => {
    expect(claimKeptMs(takesMs)).toBe(keptMs);
  });
});
