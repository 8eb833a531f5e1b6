export { AddressRules, type AddressSettings } from './guard/address-rules.js';
export { urlProblem, type UrlProblem } from './guard/check-url.js';
export { BlockedAddressError, guardedConnector, UnresolvedHostError } from './guard/guarded-connector.js';
export { hostResolver, type ResolveHost } from './guard/resolve-host.js';
export { isSecret, liveSecrets, newSecret, signedHeaders, type EndpointSecret } from './secrets.js';
export { WebhookClient, type WebhookClientOptions } from './webhook-client.js';
