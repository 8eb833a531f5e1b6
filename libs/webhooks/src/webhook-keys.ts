/**
 * Redis keys of webhooks. All in one slot, since one script looks at several endpoints: what is due anywhere is found in one
 * trip. `sluice` cannot be a model group's tag, which all begin with `sluice:`.
 *
 * A **lane** is what is delivered in turn and never side by side with more than its share: an endpoint (by its id), or for
 * callbacks of single jobs the origin of the URL.
 */
const PREFIX = '{sluice}:webhooks:';

export const webhookKeys = {
  prefix: PREFIX,
  /** Sorted set: lane -> when there may be something to do in it, Redis TIME in ms. */
  lanes: `${PREFIX}lanes`,
  /** Sorted set: delivery -> when it is due. */
  waiting: (lane: string): string => `${PREFIX}waiting:${lane}`,
  /** Sorted set: delivery -> when whoever tries it is taken for lost. */
  flying: (lane: string): string => `${PREFIX}flying:${lane}`,
  /** String: the receiver is overloaded; one at a time, and none before this time. */
  calm: (lane: string): string => `${PREFIX}calm:${lane}`,
  /** Hash: `plan lane turn tries status next attempts rev`. */
  delivery: (id: string): string => `${PREFIX}delivery:${id}`,
  /** Sorted set: delivery -> when it changed; those that the store does not know so yet. */
  unwritten: `${PREFIX}unwritten`,
  /** Hash: `version status reason data`: an endpoint as the store had it, and what became of it since. */
  endpoint: (id: string): string => `${PREFIX}endpoint:${id}`,
  /** Set: ids of a tenant's endpoints. */
  endpointsOf: (tenant: string): string => `${PREFIX}endpoints-of:${tenant}`,
  /** Sorted set: endpoint -> first failure since its last success. */
  failing: `${PREFIX}failing`,
  /** Hash: endpoint -> why, and '@' and when where others are to hear of it; those whose deliveries are being ended. */
  closing: `${PREFIX}closing`,
  /** Hash: endpoint -> `{version, reason, atMs}`; disabled here and not in the store yet. */
  disabled: `${PREFIX}disabled`,
  /** Sorted set: `<job> <when it was erased>` -> when its deliveries are looked at next; both Redis TIME in ms. */
  erased: `${PREFIX}erased`,
  /** Who writes to the store now. */
  writer: `${PREFIX}writer`,
} as const;

/** Told when a delivery is due at once. */
export const DUE_CHANNEL = 'sluice:webhooks';
