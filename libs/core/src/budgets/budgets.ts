import type { BudgetPeriod } from './budget-window.js';

/** Money that some deployments may cost together: a provider's (`provider_budget_config`), or one deployment's own. */
export interface Budget {
  /** `provider:openai`, `deployment:<id>`. */
  readonly name: string;
  readonly usdNanos: number;
  /** Absent: it is never reset. */
  readonly period: BudgetPeriod | undefined;
  /** In which its days begin. Default UTC. */
  readonly timeZone: string;
  /** Whose calls it pays for. */
  readonly deploymentIds: readonly string[];
}
