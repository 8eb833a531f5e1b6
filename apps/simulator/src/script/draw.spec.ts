import { describe, expect, it } from '@jest/globals';
import { drawLatencyMs, seededDice } from './draw.js';

const DRAWS = 40_000;
const percentiles = (latency: Parameters<typeof drawLatencyMs>[0]): number[] => {
  const dice = seededDice(7);
  const drawn = Array.from({ length: DRAWS }, () => drawLatencyMs(latency, dice)).sort((a, b) => a - b);
  return [0.5, 0.95, 0.99].map((part) => drawn[Math.floor(part * DRAWS)]!);
};

describe('a drawn latency', () => {
  it.each([
    ['all three', { p50: 200, p95: 800, p99: 2000 }, [200, 800, 2000]],
    ['a thin tail', { p50: 200, p95: 800, p99: 900 }, [200, 800, 900]],
    ['two', { p50: 1200, p95: 3000, p99: null }, [1200, 3000, 4387]],
    ['the median and the 99th', { p50: 100, p95: null, p99: 1000 }, [100, 509, 1000]],
    ['equal ones', { p50: 100, p95: 100, p99: 100 }, [100, 100, 100]],
  ])('meets %s', (_what, latency, expected) => {
    percentiles(latency).forEach((value, i) => expect(Math.abs(value / expected[i]! - 1)).toBeLessThan(0.05));
  });

  it('is constant, without dice, when there is a median only', () => {
    const noDice = (): number => {
      throw new Error('dice thrown');
    };
    expect(drawLatencyMs({ p50: 70, p95: null, p99: null }, noDice)).toBe(70);
    expect(drawLatencyMs({ p50: null, p95: null, p99: null }, noDice)).toBe(0);
    expect(drawLatencyMs({ p50: 0, p95: 0, p99: 0 }, noDice)).toBe(0);
  });

  it('follows from the seed', () => {
    const three = (seed: number): number[] => {
      const dice = seededDice(seed);
      return [dice(), dice(), dice()];
    };
    expect(three(1)).toEqual(three(1));
    expect(three(1)).not.toEqual(three(2));
  });
});
