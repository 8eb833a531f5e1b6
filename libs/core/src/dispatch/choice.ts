import type { Deployment, Strategy } from '../deployment.js';
import type { Measure } from './considered.js';

/** What a strategy may look at besides the deployments themselves. Prepared once per call. */
export interface Choice {
  /** For groups that have none of their own. */
  strategy: Strategy;
  stream: boolean;
  /** Estimated. */
  inputTokens: number;
  outputTokens: number;
  /** Calls of the same session (or prompt) carry the same: they go to the same deployment while it can serve. Absent: chance. */
  stickTo: string | undefined;
  /** What the cluster knows of a deployment, a second old at most; absent: nothing, or nobody needs it. */
  seen: (deploymentId: string) => Seen | undefined;
}

/** Shared state of one deployment, as far as some strategy wants it. */
export interface Seen {
  /** Newest first: time to first token of streams, ms. */
  readonly firstTokenMs?: readonly number[];
  /** Newest first: time per output token of other calls, ms. */
  readonly msPerToken?: readonly number[];
  readonly load?: { readonly inFlight: number; readonly requests: number; readonly tokens: number };
}

/** One place in the order in which a strategy wants deployments to be asked. */
export interface Ranked {
  deployment: Deployment;
  measure: Measure;
}
