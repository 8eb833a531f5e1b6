/** How many calls may wait for the same moment, and so ask together when it has come. */
const MOST_FOR_A_RETURN = 4;
/** Those that wait for a slot are called one by one. */
const MOST_FOR_A_SLOT = 50;

interface Waiter {
  wake: () => void;
}

/**
 * Runs of one process that wait for capacity with their slot held, by the group whose deployments are full. First come,
 * first called: a call that ends wakes the one that has waited longest, so that a slot does not lie idle until somebody
 * looks.
 */
export class WaitingRoom {
  private readonly waiting = new Map<string, { return: Set<Waiter>; slot: Set<Waiter> }>();

  hasPlace(group: string, what: 'return' | 'slot'): boolean {
    const most = what === 'return' ? MOST_FOR_A_RETURN : MOST_FOR_A_SLOT;
    return (this.waiting.get(group)?.[what].size ?? 0) < most;
  }

  /** Until the time is over, the run is stopped, or, for a slot, one of the group is given back. */
  wait(group: string, what: 'return' | 'slot', ms: number, stop: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      let rooms = this.waiting.get(group);
      if (rooms === undefined) {
        rooms = { return: new Set(), slot: new Set() };
        this.waiting.set(group, rooms);
      }
      const room = rooms[what];
      const wake = (): void => {
        clearTimeout(timer);
        stop.removeEventListener('abort', wake);
        room.delete(waiter);
        resolve();
      };
      const waiter: Waiter = { wake };
      room.add(waiter);
      const timer = setTimeout(wake, ms);
      stop.addEventListener('abort', wake);
      if (stop.aborted) wake();
    });
  }

  /** A call of the group has ended: the first who waits for that may ask. */
  slotFree(group: string): void {
    for (const { wake } of this.waiting.get(group)?.slot ?? []) {
      wake();
      return;
    }
  }
}
