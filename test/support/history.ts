/**
 * What happened to the calls of a test, as an append-only log, and what of it breaks a promise (FAULTS.md 1). Calls are told
 * apart by their tag, which is in the prompt and so in the provider's log.
 *
 * | I1 | exactly one terminal state; what a caller saw never changes |
 * | I2 | what was accepted is not lost                               |
 * | I3 | no two outcomes; no provider call after the terminal one    |
 * | I4 | a broken answer never looks like a success                  |
 */
export class History {
  private readonly entries: Entry[] = [];

  /** A 2xx with a job's id, or the call is on its connection. */
  accepted(tag: string): void {
    this.entries.push({ what: 'accepted', tag });
  }

  /** A caller, a webhook or a poll saw how it ended. @param state with its text, or its error's code */
  delivered(
    tag: string,
    state: 'completed' | 'failed' | 'cancelled' | 'expired',
    said: string,
    atMs = Date.now(),
  ): void {
    this.entries.push({
      what: 'delivered',
      tag,
      outcome: `${state} ${said}`,
      isAnswer: state === 'completed',
      said,
      atMs,
    });
  }

  /** As `simulator.requests()` lists it. */
  asked(tag: string, atMs: number): void {
    this.entries.push({ what: 'asked', tag, atMs });
  }

  /**
   * @param whole text of a complete answer; absent: any
   * @returns a sentence for each broken promise
   */
  violations({ whole }: { whole?: string } = {}): string[] {
    const broken: string[] = [];
    const accepted = new Set(this.of('accepted').map(({ tag }) => tag));
    const outcomes = Map.groupBy(this.of('delivered'), ({ tag }) => tag);
    for (const tag of accepted) if (!outcomes.has(tag)) broken.push(`I2 ${tag} was accepted and has no outcome`);
    for (const [tag, seen] of outcomes) {
      const different = new Set(seen.map(({ outcome }) => outcome));
      if (different.size > 1) broken.push(`I1 I3 ${tag} has the outcomes ${[...different].join(' | ')}`);
      for (const { isAnswer, said } of seen) {
        if (isAnswer && whole !== undefined && said !== whole) broken.push(`I4 ${tag} completed with "${said}"`);
      }
      const firstMs = Math.min(...seen.map(({ atMs }) => atMs));
      const late = this.of('asked').filter((ask) => ask.tag === tag && ask.atMs > firstMs);
      if (late.length > 0) broken.push(`I3 ${tag} was asked ${late[0]!.atMs - firstMs} ms after its outcome was seen`);
    }
    return broken;
  }

  private of<W extends Entry['what']>(what: W): Extract<Entry, { what: W }>[] {
    return this.entries.filter((entry): entry is Extract<Entry, { what: W }> => entry.what === what);
  }
}

type Entry =
  | { what: 'accepted'; tag: string }
  | { what: 'asked'; tag: string; atMs: number }
  | { what: 'delivered'; tag: string; outcome: string; isAnswer: boolean; said: string; atMs: number };
