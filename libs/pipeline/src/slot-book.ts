import { peakAfter, refusedSlots, type LeaseRefusal, type SlotUse } from '@sluice/core';

interface Use {
  group: string;
  calls: number;
  peak: number;
  atMs: number;
}

interface Book {
  taken: number;
  uses: Map<string, Use>;
}

const NONE: readonly LeaseRefusal[] = [];

/**
 * Which deployments hold the slots that this worker has for each group: a slow one shall not hold them all. A slot is
 * taken when a lease is, and given back with it.
 */
export class SlotBook {
  private readonly books = new Map<string, Book>();
  private readonly byLease = new Map<string, Use>();

  /**
   * @param slots jobs of a group that this worker runs at a time
   * @param membersOf ids of the deployments of a group: who else may need a slot
   */
  constructor(
    private readonly slots: number,
    private readonly membersOf: (group: string) => readonly string[],
  ) {}

  /** As a lease would refuse them: full, until another of their calls ends. */
  refusals(group: string): readonly LeaseRefusal[] {
    const book = this.books.get(group);
    if (book === undefined || 2 * book.taken < this.slots) return NONE;
    const refused = refusedSlots(this.slots, book.taken, this.usesOf(group, book.uses));
    return refused.map((deploymentId) => ({ deploymentId, verdict: 'parallel', untilMs: 0 }));
  }

  /** False: not that one. Asked again with the lease in hand, since others may have taken theirs meanwhile. */
  take(group: string, deploymentId: string, leaseId: string): boolean {
    if (this.refusals(group).some((refusal) => refusal.deploymentId === deploymentId)) return false;
    this.hold(group, deploymentId, leaseId);
    return true;
  }

  /** A hedge goes out from a slot that its job has already: it is counted, and not refused. */
  hold(group: string, deploymentId: string, leaseId: string): void {
    let book = this.books.get(group);
    if (book === undefined) {
      book = { taken: 0, uses: new Map() };
      this.books.set(group, book);
    }
    const use = book.uses.get(deploymentId) ?? { group, calls: 0, peak: 0, atMs: performance.now() };
    book.uses.set(deploymentId, use);
    this.byLease.set(leaseId, use);
    count(book, use, 1);
  }

  /** Safe to repeat, and for leases that hold none. */
  giveBack(leaseId: string): void {
    const use = this.byLease.get(leaseId);
    if (use === undefined) return;
    this.byLease.delete(leaseId);
    count(this.books.get(use.group)!, use, -1);
  }

  private usesOf(group: string, uses: ReadonlyMap<string, Use>): SlotUse[] {
    const nowMs = performance.now();
    return this.membersOf(group).map((deploymentId) => {
      const use = uses.get(deploymentId);
      if (use === undefined) return { deploymentId, calls: 0, peak: 0 };
      return { deploymentId, calls: use.calls, peak: peakAfter(use.peak, use.calls, nowMs - use.atMs) };
    });
  }
}

function count(book: Book, use: Use, by: 1 | -1): void {
  const nowMs = performance.now();
  book.taken += by;
  use.peak = peakAfter(use.peak, use.calls, nowMs - use.atMs);
  use.calls += by;
  use.peak = Math.max(use.peak, use.calls);
  use.atMs = nowMs;
}
