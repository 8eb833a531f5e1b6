import { setTimeout as pause } from 'node:timers/promises';
import { GROUP } from './contestants.mjs';
import { openGate } from './gate.mjs';
import { judge } from './judge.mjs';
import { openLoop } from './open-loop.mjs';
import { DEPLOYMENTS, SCRIPT } from './scenarios.mjs';
import { startSimulator } from './simulator.mjs';

const PER_SECOND = 10;
const CLIENT_TIMEOUT_MS = 30_000;
/** Its connections are refused in the outage; `flaky` answers 503. */
const UNREACHABLE = 'healthy';

/**
 * One scenario with one gateway, each with a fresh simulator.
 * @returns the figures of `judge`, and calls and log to look into; undefined when the gateway cannot be had on this machine
 */
export async function rehearse({ start, wantsPlainHosts = false }, scenario, seconds) {
  const simulator = await startSimulator(scenario.profiles, SCRIPT);
  const prefixOf = (name) => (wantsPlainHosts ? `/@${name}` : '');
  // Only what is to be refused needs a gate; it costs a call some time that the model does not count.
  const gated = wantsPlainHosts ? DEPLOYMENTS : [UNREACHABLE];
  const gates = new Map();
  for (const name of gated) gates.set(name, await openGate(simulator.origin, prefixOf(name)));
  const bases = Object.fromEntries(
    DEPLOYMENTS.map((name) => {
      const origin = gates.get(name)?.origin ?? simulator.origin;
      return [name, wantsPlainHosts ? `${origin}/v1` : `${origin}/@${name}/v1`];
    }),
  );
  const system = await start(bases);
  try {
    if (system === undefined) return undefined;
    const over = new AbortController();
    const gate = gates.get(UNREACHABLE);
    const outage = scenario.outage && playOutage(scenario, seconds, { simulator, gate, signal: over.signal });
    const sent = await openLoop({
      ...system,
      group: GROUP,
      perSecond: PER_SECOND,
      seconds,
      timeoutMs: CLIENT_TIMEOUT_MS,
      isStream: scenario.isStream === true,
    });
    over.abort();
    await outage;
    const log = await simulator.requests();
    return { ...judge(sent, log), log, sent };
  } finally {
    await system?.stop();
    for (const gate of gates.values()) await gate.stop();
    await simulator.stop();
  }
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
