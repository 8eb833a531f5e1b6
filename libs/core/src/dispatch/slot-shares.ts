/**
 * Who may take another of the slots that a worker has for a group's jobs. A deployment whose calls take a minute would
 * in time hold every slot, since each of its calls stays and those of the others leave; then the quick ones beside it
 * wait for it. So a part of the slots is kept for the others:
 *
 *     slots of the group   [ slow slow slow slow slow slow | free free | kept for the quick one ]
 *
 * - **Own share**: half of the slots, divided among the deployments. Below it nobody is refused.
 * - **Kept**: what the others lack to what they lately needed (the most calls at a time, which sinks by half every few
 *   seconds, and one more), each at most its own share; and one slot for all who needed nothing.
 * - A lone deployment has all slots. While half of them are free nobody is refused.
 */
export interface SlotUse {
  readonly deploymentId: string;
  /** Calls of this group that it serves in this worker now. */
  readonly calls: number;
  /** The most at a time lately. */
  readonly peak: number;
}

/**
 * The deployments that may not take another slot.
 * @param taken slots in use, those of deployments of fallback groups too
 */
export function refusedSlots(slots: number, taken: number, uses: readonly SlotUse[]): string[] {
  if (uses.length < 2) return [];
  if (2 * taken < slots) return [];
  const ownShare = Math.max(1, Math.floor(slots / 2 / uses.length));
  const needOf = ({ peak }: SlotUse): number => (peak < 0.5 ? 0 : Math.min(ownShare, Math.round(peak) + 1));
  const lackOf = (use: SlotUse): number => Math.max(0, needOf(use) - use.calls);
  const lackOfAll = uses.reduce((sum, use) => sum + lackOf(use), 0);
  const idle = uses.filter(({ calls }) => calls === 0).length;
  return uses
    .filter((use) => {
      const kept = Math.max(lackOfAll - lackOf(use), idle > 0 ? 1 : 0);
      return use.calls >= ownShare && slots - taken <= kept;
    })
    .map(({ deploymentId }) => deploymentId);
}

const HALVED_AFTER_MS = 5_000;

/** The peak after some time with so many calls. */
export const peakAfter = (peak: number, calls: number, passedMs: number): number =>
  Math.max(calls, peak * 0.5 ** (passedMs / HALVED_AFTER_MS));
