import { setTimeout as pause } from 'node:timers/promises';
import { GROUP } from './contestants.mjs';
import { openGate } from './gate.mjs';
import { judge } from './judge.mjs';
import { openLoop } from './open-loop.mjs';
import { startSimulator } from './simulator.mjs';

const PER_SECOND = 10;
const CLIENT_TIMEOUT_MS = 30_000;

/**
 * One scenario with one gateway, each with a fresh simulator.
 * @returns the figures of `judge`, and calls and log to look into; undefined when the gateway cannot be had on this machine
 */
export async function rehearse({ start }, scenario, seconds) {
  const simulator = await startSimulator(scenario.profiles);
  const gate = await openGate(simulator.origin);
  const bases = {
    limited: `${simulator.origin}/@limited/v1`,
    flaky: `${simulator.origin}/@flaky/v1`,
    healthy: `${gate.origin}/@healthy/v1`,
  };
  const system = await start(bases);
  if (system === undefined) {
    await gate.stop();
    await simulator.stop();
    return undefined;
  }
  const over = new AbortController();
  const outage = scenario.outage && playOutage(scenario, seconds, { simulator, gate, signal: over.signal });
  const calls = await openLoop({
    ...system,
    group: GROUP,
    perSecond: PER_SECOND,
    seconds,
    timeoutMs: CLIENT_TIMEOUT_MS,
  });
  over.abort();
  await outage;
  const log = await simulator.requests();
  await system.stop();
  await gate.stop();
  await simulator.stop();
  return { ...judge(calls, log), log, sent: calls };
}

/** `flaky` answers 503 and `healthy` cannot be reached; then both are as before. */
async function playOutage({ outage, profiles }, seconds, { simulator, gate, signal }) {
  const wait = (share) => pause(share * seconds * 1_000, undefined, { signal });
  try {
    await wait(outage.fromShare);
    await Promise.all([
      simulator.setProfile('flaky', { rules: [{ do: { kind: 'overloaded', status: 503 } }] }),
      gate.shut(),
    ]);
    await wait(outage.toShare - outage.fromShare);
    await Promise.all([simulator.setProfile('flaky', profiles.flaky), gate.open()]);
  } catch (error) {
    if (error.name !== 'AbortError') throw error;
  }
}
