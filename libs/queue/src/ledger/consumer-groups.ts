/** Each of them sees every entry of a ledger. All are made together, so that nothing is cut off before one has seen it. */
export const CONSUMER_GROUPS = ['history', 'webhooks', 'batches'] as const;
export type ConsumerGroup = (typeof CONSUMER_GROUPS)[number];
