import type { AffinityPolicy } from './dispatch/affinity.js';
import type { BudgetPeriod } from './budgets/budget-window.js';
import type { Budget } from './budgets/budgets.js';
import type { BacklogPolicy } from './job/backlog-policy.js';
import type { RouterGroup } from './router/choose-group.js';
import type { ModelFacts, ModelLimits, Prices, Supports } from './model-facts.js';
import type { Mock } from './mock.js';

/** One endpoint + credential + model that can serve. Built by `libs/config`, frozen; the same object in every job. */
export interface Deployment {
  /** `model_info.id`, else a hash of what says where it goes. Unique in the configuration; in headers and keys. */
  readonly id: string;
  /** The model group it stands in: its leases, cooldown and breaker live under this group's hash tag. */
  readonly group: string;
  /** Vendor adapter. */
  readonly provider: 'openai' | 'azure' | 'anthropic';
  /** The provider's name for the model, without prefix: `gpt-4o`, an Azure deployment's name, `claude-sonnet-4-5`. */
  readonly model: string;
  /** `litellm_params.model` with its provider: `azure/gpt-4o`. */
  readonly fullModel: string;
  /** `model_info.base_model` when given: what an Azure deployment really is. */
  readonly baseModel: string | undefined;
  readonly target: ProviderTarget;
  /** Of its model, as written or as the model map has them. Of a `*` only what is written: the asked model says the rest. */
  readonly limits: ModelLimits;
  readonly prices: Prices | undefined;
  readonly supports: Supports;
  /** `litellm_params.tags`; looked at where `enable_tag_filtering` is on. */
  readonly tags: readonly string[];
  /** `region_name`; absent: not said, which no `allowed_model_region` allows. */
  readonly region: string | undefined;
  /** Lower tiers first. Default 1 (LiteLLM's: deployments without an order come with the first tier). */
  readonly order: number;
  /** Relative share for simple-shuffle; absent: rpm, else tpm, else equal. */
  readonly weight: number | undefined;
  /** Hard limits for the cluster, per minute; absent: none. */
  readonly rpm: number | undefined;
  readonly tpm: number | undefined;
  /** Money that it may cost; no period: it is never reset. Absent: no limit. */
  readonly ownBudget?: { readonly usdNanos: number; readonly period: BudgetPeriod | undefined };
  /** Most calls at a time in the cluster; absent: none. */
  readonly maxParallel: number | undefined;
  /** One attempt; absent: the router's. */
  readonly timeoutMs: number | undefined;
  /** To the first token of a stream; absent: the router's. */
  readonly streamTimeoutMs: number | undefined;
  readonly numRetries: number | undefined;
  readonly cooldownMs: number | undefined;
  /** Its own rule for the breaker; absent: the router's. */
  readonly allowedFails: number | undefined;
  readonly allowedFailsPolicy: AllowedFailsPolicy | undefined;
  /** Why it takes no calls (an `api_key` whose variable is unset); absent: it does. */
  readonly disabled: string | undefined;
  /** `model_info` as written, without secrets; echoed by `/model/info`. */
  readonly info: Readonly<Record<string, unknown>>;
}

/** Failures a minute by class: more of them open the breaker, and they count apart from all others. Absent: not apart. */
export interface AllowedFailsPolicy {
  readonly timeout?: number;
  /** Everything else that counts: 5xx, overload, network, broken and unreadable answers. */
  readonly server?: number;
}

/** What an adapter needs to make the HTTP request. Holds the provider key: never logged, never in a job record. */
export interface ProviderTarget {
  /** As configured, or the provider's default; no trailing slash. Azure: the resource's origin, or a base ending in /openai/v1. */
  readonly baseUrl: string;
  readonly apiKey: string | undefined;
  /** Azure: `api_version`; `v1`, `latest`, `preview` mean the v1 surface. */
  readonly apiVersion: string | undefined;
  /** Azure: Entra token sent as `Authorization: Bearer` instead of `api-key`. */
  readonly azureAdToken: string | undefined;
  readonly organization: string | undefined;
  readonly extraHeaders: Readonly<Record<string, string>>;
  /** Members set on the body after everything else. */
  readonly extraBody: Readonly<Record<string, unknown>>;
  /** OpenAI parameters of `litellm_params`: used where the client's body has none. */
  readonly defaults: Readonly<Record<string, unknown>>;
  /** `drop_params`: what the provider does not support is left out instead of refused. */
  readonly dropParams: boolean;
  readonly additionalDropParams: readonly string[];
  readonly allowedOpenaiParams: readonly string[];
  /** Played instead of a call; absent: it is called. */
  readonly mock: Mock | undefined;
}

/**
 * What a client can ask for by name. A weighted alias (`model_group_alias: {a: [{model, weight}]}`) is a group of its own
 * with a queue of its own, whose deployments stand in other groups.
 */
export interface ModelGroup {
  readonly name: string;
  readonly deployments: readonly Deployment[];
  /** Weighted alias only: the first attempt draws an entry, the strategy picks inside it. */
  readonly entries: readonly AliasEntry[] | undefined;
  /** Of the `routing_groups` entry that it stands in, or is; absent: the router's. */
  readonly strategy?: Strategy;
}

/** `routing_strategy`: who of those that could serve is asked first. */
export type Strategy =
  | {
      readonly name:
        'simple-shuffle' | 'least-busy' | 'cost-based-routing' | 'usage-based-routing' | 'usage-based-routing-v2';
    }
  | LatencyStrategy;

export interface LatencyStrategy {
  readonly name: 'latency-based-routing';
  /** Samples are forgotten so long after the last one. Default 3,600,000. */
  readonly ttlMs: number;
  /** Share above the lowest latency that counts as equal to it. Default 0. */
  readonly buffer: number;
  /** Last samples that count. Default 10. */
  readonly samples: number;
}

export interface AliasEntry {
  readonly weight: number;
  readonly deploymentIds: readonly string[];
}

/** Classes of failure as `retry_policy` names them: `TimeoutErrorRetries` and so on. */
export type RetryClass =
  | 'badRequest'
  | 'authentication'
  | 'timeout'
  | 'rateLimit'
  | 'contentPolicy'
  | 'internalServer'
  | 'serviceUnavailable'
  | 'badGateway'
  | 'notFound';

/** Further attempts in a group after a failure of the class; absent: `num_retries`. */
export type RetryPolicy = Readonly<Partial<Record<RetryClass, number>>>;
/** What becomes of a call whose provider breaks off or is slow to begin: for the whole configuration, or for one group. */
export interface RescuePolicy {
  /** A stream that breaks after its first content goes on at the next deployment, or ends in an error. Default `continue`. */
  readonly midstream: 'continue' | 'error';
  /** When a second deployment is asked as well: `rescue`: nothing came for unusually long; `eager`: after the p95. Default `rescue`. */
  readonly hedge: 'rescue' | 'eager' | 'off';
  /** Least wait of a rescue. Default 10,000. */
  readonly hedgeAfterMs: number;
  /** Share of the group's calls, beside three a minute. Default 0.05. */
  readonly hedgeBudget: number;
}

/** The router's settings, one set for the whole configuration. Times in ms. */
export interface RoutingPolicy extends RescuePolicy {
  readonly strategy: Strategy;
  /** Which calls are kept together at one deployment. */
  readonly affinity: AffinityPolicy;
  readonly budgets: readonly Budget[];
  /** Further attempts inside one group. Default 2. */
  readonly numRetries: number;
  /** `model_group_retry_policy` by group; key `*`: `retry_policy`, for groups without one. */
  readonly retryPolicies: ReadonlyMap<string, RetryPolicy>;
  /** Least wait before the same deployment is asked again. Default 0: only the backoff counts. */
  readonly retryAfterMs: number;
  /** One attempt as a whole. Default 600,000. */
  readonly timeoutMs: number;
  /** To the first token; absent: 60,000 while another deployment or fallback can serve, else only `timeoutMs`. */
  readonly streamTimeoutMs: number | undefined;
  /** Between stream events from the first content on. Default 30,000. */
  readonly idleTimeoutMs: number;
  /** TCP and TLS. Default 5,000. */
  readonly connectTimeoutMs: number;
  /** Absent: 3 in a row. `0` with `cooldownMs` 0 or `disableCooldowns`: neither cooldown nor breaker. */
  readonly allowedFails: number | undefined;
  readonly allowedFailsPolicy: AllowedFailsPolicy | undefined;
  /** Absent: 5,000, doubled up to 15,000 while the first call back fails. */
  readonly cooldownMs: number | undefined;
  readonly disableCooldowns: boolean;
  /** Retries that a group may make, as a share of its calls, besides three a second. Default 0.2. */
  readonly retryBudget: number;
  /** Asked group -> groups, aliases or deployment ids, in order. Key `*`: groups without an entry. */
  readonly fallbacks: ReadonlyMap<string, readonly string[]>;
  readonly contextWindowFallbacks: ReadonlyMap<string, readonly string[]>;
  readonly contentPolicyFallbacks: ReadonlyMap<string, readonly string[]>;
  /** Fallback groups per job. Default 5. */
  readonly maxFallbacks: number;
  readonly enablePreCallChecks: boolean;
  /** Absent: tags are not looked at. `matchesAny`: one tag in common is enough. */
  readonly tagFiltering: { readonly matchesAny: boolean } | undefined;
  /** How long sync calls wait while failures alone shut the whole group. Default 10,000. */
  readonly outageWaitMs: number;
  /** How long a JSON call is held. Default 280,000. */
  readonly waitMs: number;
  /** Default of `x-sluice-queue-ttl` for sync calls; absent: none. */
  readonly maxQueueWaitMs: number | undefined;
  readonly backlog: BacklogPolicy;
  /** `sluice.groups`: what one group has otherwise. */
  readonly ofGroup: ReadonlyMap<string, RescuePolicy>;
}

/** The routing table: what the configuration says about models, ready for look-ups. */
export interface ModelTable {
  /** Model groups by name, weighted aliases among them. A name may hold `*`: a pattern. */
  readonly groups: ReadonlyMap<string, ModelGroup>;
  /** Plain aliases. */
  readonly aliases: ReadonlyMap<string, { readonly group: string; readonly hidden: boolean }>;
  readonly deployments: ReadonlyMap<string, Deployment>;
  /** Names that stand for a choice of models, by what a call is; absent: none. */
  readonly routers?: ReadonlyMap<string, RouterGroup>;
  /** What is known of a model, by its name with provider, for the models that a `*` stands for; absent: nothing is. */
  readonly factsOf?: (fullModel: string) => ModelFacts | undefined;
}
