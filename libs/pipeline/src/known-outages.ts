import { noteOutage, waitsSince, type Outage } from '@sluice/core';

/**
 * Outages of groups, as this process meets them in the jobs that it gives back. A call that stood behind such jobs has waited
 * the outage out before it was begun: its ten seconds are not counted from there.
 */
export class KnownOutages {
  private readonly byGroup = new Map<string, Outage>();

  note(group: string, sinceMs: number, nowMs: number): void {
    this.byGroup.set(group, noteOutage(this.byGroup.get(group), sinceMs, nowMs));
  }

  /** @returns since when a call waits one out, Unix ms; undefined: none is known */
  sinceMs(group: string, acceptedAtMs: number, nowMs: number): number | undefined {
    return waitsSince(this.byGroup.get(group), acceptedAtMs, nowMs);
  }
}
