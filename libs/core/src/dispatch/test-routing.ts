import type { Deployment, ModelGroup, RoutingPolicy } from '../deployment.js';
import type { FailureKind } from '../failure.js';
import { BACKLOG_DEFAULTS } from '../job/backlog-policy.js';
import { NO_FACTS } from '../model-facts.js';
import type { Choice } from './choice.js';
import { afterTry, startOf, type Progress, type Tried } from './progress.js';
import type { StepContext } from './step.js';

/** What the specs of this folder route with: small groups, and the defaults of a configuration that says nothing. */
export const START_MS = 1_800_000_000_000;

export function deployment(id: string, own: Partial<Deployment> = {}): Deployment {
  return {
    id,
    group: 'g',
    provider: 'openai',
    model: 'gpt-4o',
    fullModel: 'openai/gpt-4o',
    baseModel: undefined,
    ...NO_FACTS,
    tags: [],
    region: undefined,
    target: {
      baseUrl: 'http://127.0.0.1:1',
      apiKey: undefined,
      apiVersion: undefined,
      azureAdToken: undefined,
      organization: undefined,
      extraHeaders: {},
      extraBody: {},
      defaults: {},
      dropParams: false,
      additionalDropParams: [],
      allowedOpenaiParams: [],
      mock: undefined,
    },
    order: 1,
    weight: undefined,
    rpm: undefined,
    tpm: undefined,
    maxParallel: undefined,
    timeoutMs: undefined,
    streamTimeoutMs: undefined,
    numRetries: undefined,
    cooldownMs: undefined,
    allowedFails: undefined,
    allowedFailsPolicy: undefined,
    disabled: undefined,
    info: {},
    ...own,
  };
}

export function group(name: string, members: readonly (string | Deployment)[]): ModelGroup {
  const deployments = members.map((m) => (typeof m === 'string' ? deployment(m, { group: name }) : m));
  return { name, deployments, entries: undefined };
}

export function policy(own: Partial<RoutingPolicy> = {}): RoutingPolicy {
  return {
    strategy: { name: 'simple-shuffle' },
    affinity: { kinds: [], byGroup: new Map() },
    budgets: [],
    numRetries: 2,
    retryPolicies: new Map(),
    retryAfterMs: 0,
    timeoutMs: 600_000,
    streamTimeoutMs: undefined,
    idleTimeoutMs: 30_000,
    connectTimeoutMs: 5_000,
    allowedFails: undefined,
    allowedFailsPolicy: undefined,
    cooldownMs: undefined,
    disableCooldowns: false,
    retryBudget: 0.2,
    fallbacks: new Map(),
    contextWindowFallbacks: new Map(),
    contentPolicyFallbacks: new Map(),
    maxFallbacks: 5,
    enablePreCallChecks: true,
    tagFiltering: undefined,
    outageWaitMs: 10_000,
    waitMs: 280_000,
    maxQueueWaitMs: undefined,
    backlog: BACKLOG_DEFAULTS,
    midstream: 'continue',
    hedge: 'rescue',
    hedgeAfterMs: 10_000,
    hedgeBudget: 0.05,
    ofGroup: new Map(),
    ...own,
  };
}

/** A short JSON call, nothing known of anybody. */
export const choice = (own: Partial<Choice> = {}): Choice => ({
  strategy: { name: 'simple-shuffle' },
  stream: false,
  inputTokens: 100,
  outputTokens: 256,
  stickTo: undefined,
  seen: () => undefined,
  ...own,
});

export const lists = (of: Record<string, readonly string[]>): ReadonlyMap<string, readonly string[]> =>
  new Map(Object.entries(of));

/** A name is a group's, or a deployment's: then that one alone may serve. */
export function context(
  groups: readonly ModelGroup[],
  own: Partial<Omit<StepContext, 'policy'>> & { policy?: Partial<RoutingPolicy> } = {},
): StepContext {
  const routing = policy(own.policy);
  return {
    choice: choice({ strategy: routing.strategy }),
    groupOf: (name) => {
      const named = groups.find((g) => g.name === name);
      if (named !== undefined) return { group: named, only: undefined };
      const home = groups.find((g) => g.deployments.some((d) => d.id === name));
      return home && { group: home, only: [name] };
    },
    maxAttempts: undefined,
    fallbacks: undefined,
    startByMs: START_MS + 280_000,
    deadlineMs: START_MS + 600_000,
    rejectWhenFull: false,
    mayWaitInPlace: () => true,
    ...own,
    policy: routing,
  };
}

/** What a call leaves behind when it ends with this kind. */
export function tried(deployment: string, kind: FailureKind, own: Partial<Tried> = {}): Tried {
  return { group: 'g', deployment, kind, message: '', atMs: START_MS, used: kind !== 'rate_limit', ...own };
}

export const after = (...failures: Tried[]): Progress => failures.reduce(afterTry, startOf('g'));

/** Draws that repeat: mulberry32. */
export function dice(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}
