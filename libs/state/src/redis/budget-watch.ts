import { budgetWindow, type Budget, type BudgetWindow, type LeaseNote, type LeaseRefusal } from '@sluice/core';
import type { Redis } from 'ioredis';
import { spendKeyOf } from './lease-notes.js';
import { RefreshLoop } from './refresh-loop.js';

/** Of a budget that is never reset nobody knows more: looked at again as for ever. */
const LONGEST_HINT_MS = 24 * 3_600_000;

export interface BudgetWatchOptions {
  /** Of the configuration as it is now. */
  budgets: () => readonly Budget[];
  homeOf: (deploymentId: string) => string | undefined;
  /** Redis TIME, as far as this process knows it. */
  nowMs: () => number;
  onError: (error: Error) => void;
}

/**
 * Which deployments are out of money. What calls cost is added by the settle script in the slot of each group; here it is
 * summed up once a second. A budget is therefore passed by what a second's calls cost, and by those that still run: what a
 * call costs is known when it ends.
 */
export class BudgetWatch {
  private spent: readonly LeaseRefusal[] = [];
  private readonly loop: RefreshLoop;

  constructor(
    private readonly redis: Redis,
    private readonly options: BudgetWatchOptions,
  ) {
    this.loop = new RefreshLoop(() => this.refresh(), options.onError);
  }

  start(): Promise<void> {
    return this.loop.start();
  }

  stop(): void {
    this.loop.stop();
  }

  /** Deployments that may not be asked before their budget begins anew. */
  refusals(): LeaseRefusal[] {
    if (this.spent.length === 0) return [];
    const nowMs = this.options.nowMs();
    return this.spent.filter(({ untilMs }) => untilMs > nowMs);
  }

  /** What a call of this deployment adds to the budgets that pay for it. */
  notesFor(deploymentId: string, usdNanos: number): LeaseNote[] {
    const budgets = this.options.budgets();
    if (budgets.length === 0 || usdNanos === 0) return [];
    return budgets
      .filter(({ deploymentIds }) => deploymentIds.includes(deploymentId))
      .map((budget) => ({ kind: 'spend', budget: budget.name, usdNanos, ...windowOf(budget, this.options.nowMs()) }));
  }

  private async refresh(): Promise<void> {
    this.spent = await readSpentBudgets(this.redis, this.options);
  }
}

/** Once, for whoever asks now: the deployments whose money is spent. */
export async function readSpentBudgets(
  redis: Redis,
  { budgets, homeOf, nowMs }: Pick<BudgetWatchOptions, 'budgets' | 'homeOf' | 'nowMs'>,
): Promise<LeaseRefusal[]> {
  const now = nowMs();
  const refusals = await Promise.all(
    budgets().map(async (budget) => {
      const { startMs, endMs } = windowOf(budget, now);
      const homes = new Set(budget.deploymentIds.flatMap((id) => homeOf(id) ?? []));
      const spent = await Promise.all([...homes].map((home) => redis.get(spendKeyOf(home, budget.name, startMs))));
      const usdNanos = spent.reduce((sum, amount) => sum + Number(amount ?? 0), 0);
      if (usdNanos < budget.usdNanos) return [];
      const untilMs = Math.min(endMs, now + LONGEST_HINT_MS);
      return budget.deploymentIds.map((deploymentId): LeaseRefusal => ({ deploymentId, verdict: 'budget', untilMs }));
    }),
  );
  return refusals.flat();
}

const windows = new WeakMap<Budget, BudgetWindow>();

/** Time zones are slow to reckon with, and this is asked at each call. */
function windowOf(budget: Budget, nowMs: number): BudgetWindow {
  if (budget.period === undefined) return { startMs: 0, endMs: Infinity };
  let window = windows.get(budget);
  if (window === undefined || nowMs < window.startMs || nowMs >= window.endMs) {
    window = budgetWindow(budget.period, budget.timeZone, nowMs);
    windows.set(budget, window);
  }
  return window;
}
