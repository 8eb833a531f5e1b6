import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { DeploymentBreakers } from './deployment-breakers.js';

describe('DeploymentBreakers', () => {
  let breakers: DeploymentBreakers;
  beforeEach(() => {
    breakers = new DeploymentBreakers();
  });
  afterEach(() => breakers.stop());

  async function record(outcomes: string, deploymentId = 'd') {
    const kinds = { s: 'success', f: 'failure', n: 'neutral' } as const;
    const tripped: boolean[] = [];
    for (const letter of outcomes) {
      tripped.push((await breakers.record(deploymentId, kinds[letter as keyof typeof kinds])).tripped);
    }
    return tripped.indexOf(true);
  }

  it.each([
    ['fffffffff', -1, 'nine failures are too few calls'],
    ['ffffffffff', 9, 'the tenth failure trips'],
    ['sssssfffff', -1, 'half is not over half'],
    ['sssssffffff', 10, 'six of eleven are'],
    ['ffffffffffff', 9, 'what ends after it went open does not trip again'],
    ['nnnnnnnnnnffffff', -1, 'neutral outcomes are no calls'],
    ['fffnffnffnffff', 12, 'and do not dilute the rate'],
  ])('%s trips at %i: %s', async (outcomes, at) => {
    expect(await record(outcomes)).toBe(at);
    expect(breakers.isOpen('d')).toBe(at !== -1);
  });

  it('keeps deployments apart', async () => {
    await record('ffffffffff', 'a');
    expect([breakers.isOpen('a'), breakers.isOpen('b')]).toEqual([true, false]);
  });

  it('forgets deployments that are not kept', async () => {
    await record('ffffffffff', 'a');
    await record('ffffffffff', 'b');
    breakers.keep(new Set(['b']));
    expect([breakers.isOpen('a'), breakers.isOpen('b')]).toEqual([false, true]);
  });

  it('follows the cluster both ways, as often as told, and forgets what came before a closing', async () => {
    await record('fffffffff');
    breakers.sync('d', 'open');
    breakers.sync('d', 'open');
    expect(breakers.isOpen('d')).toBe(true);
    breakers.sync('d', 'closed');
    breakers.sync('d', 'closed');
    expect(breakers.isOpen('d')).toBe(false);
    expect(await record('fffffffff')).toBe(-1);
    expect(await record('f')).toBe(0);
  });

  it('keeps its count while the cluster says closed and it is', async () => {
    await record('fffffffff');
    breakers.sync('d', 'closed');
    expect(await record('f')).toBe(0);
  });

  it('is stopped twice without harm', () => {
    breakers.sync('d', 'open');
    breakers.stop();
    breakers.stop();
    expect(breakers.isOpen('d')).toBe(false);
  });
});
