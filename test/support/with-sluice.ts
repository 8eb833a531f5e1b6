import { Leases, openRedis } from '@sluice/state';
import type { RequestRecord } from '../../apps/simulator/src/request-log.js';
import { eventually } from '../eventually.js';
import { startSluice, type PlayedDeployment, type SluiceOptions, type SluiceUnderTest } from './sluice.js';

export interface PlayedSluice extends SluiceUnderTest {
  /** Sets the scripts of some profiles; what they counted before is forgotten. */
  play: (scripts: Record<string, unknown>) => void;
  /** Calls that the profile's provider has seen, oldest first. */
  callsTo: (profile: string) => RequestRecord[];
  /** Calls that hold a lease, in the whole cluster. */
  inFlight: () => Promise<number>;
}

/**
 * A Sluice of its own for one story. When the story is over, whatever it was, no deployment may be left with a lease.
 * @param scripts of the simulator, by profile
 */
export async function withSluice(
  deployments: PlayedDeployment[],
  options: SluiceOptions & { scripts?: Record<string, unknown> },
  story: (sluice: PlayedSluice) => Promise<void>,
): Promise<void> {
  const { scripts = {}, ...rest } = options;
  const sluice = await startSluice(deployments, rest);
  const redis = openRedis(process.env['REDIS_URL']!, { role: 'worker', onError: () => {} });
  const leases = new Leases(redis);
  const { simulator, settings } = sluice;
  const play = (next: Record<string, unknown>): void => {
    for (const [profile, script] of Object.entries(next)) simulator.setProfile(profile, script);
  };
  const inFlight = async (): Promise<number> => {
    let held = 0;
    for (const { id, group } of settings.models.deployments.values())
      held += (await leases.look(group, [id]))[0]!.inFlight;
    return held;
  };
  try {
    play(scripts);
    await story({ ...sluice, play, inFlight, callsTo: (profile) => simulator.requests({ profile }) });
    await eventually(async () => (await inFlight()) === 0, { withinMs: 2_000, what: 'all leases to be given back' });
  } catch (failed) {
    sluice.watch?.stop(); // what it would find is not what went wrong first
    throw failed;
  } finally {
    redis.disconnect();
    await sluice.stop();
  }
}
