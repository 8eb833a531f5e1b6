export { consequenceOf, type Consequence, type Failure, type FailureKind, type TimeoutPhase } from './failure.js';
export type { AliasEntry, Deployment, ModelGroup, ModelTable, ProviderTarget, RoutingPolicy } from './deployment.js';
