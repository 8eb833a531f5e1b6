import type { Endpoint } from '../endpoints/endpoints.js';

/**
 * A job that outlives the connection of its caller: submitted, a line of a batch, a background response. Written in its
 * record when it is accepted and never changed; and in both entries that the ledger gets of it, so that whoever reads one of
 * them needs no other. Times in Unix ms.
 */
export interface DurableJob {
  kind: 'native' | 'batch' | 'background';
  /** Who owns it. */
  tenant: string;
  endpoint: Endpoint;
  /** As asked. */
  model: string;
  /** As asked. */
  priority: 'high' | 'normal' | 'low';
  metadata: Record<string, string>;
  createdAtMs: number;
  /** It does not start before. */
  notBeforeMs?: number;
  /** Unstarted, it expires then. */
  queueExpiresAtMs?: number;
  /** The whole job. */
  deadlineMs: number;
  retention: {
    /**
     * After its end; 0: gone with the end. Absent: gone with the end, kept for a week of a dead letter, and with the result
     * where that says again what was asked (endpoints that are translated).
     */
    requestMs?: number;
    /** After its end; 0: gone when it was fetched. */
    resultMs: number;
  };
  /** The secret as it is kept (SecretBox). */
  webhook?: { endpointId: string } | { url: string; secret: string; events?: string[] };
  /** @property line byte-order number in the input file */
  batch?: { id: string; line: number; customId: string };
  retriedFrom?: string;
  midstream?: 'continue' | 'error' | 'restart';
}

/**
 * `{sluice:<group>}:ledger`, a Redis stream: one `accepted` and one `over` of every durable job, written in the script that
 * writes the state, and one `erased` when its owner deletes it, or
 * `dismissed` when it is no dead letter any more. Fields as they stand there; numbers are text.
 */
export interface LedgerFields {
  t: 'accepted' | 'over' | 'erased' | 'dismissed';
  /** Job id. */
  j: string;
  /** DurableJob, JSON. */
  d: string;
  /** Of `over`: the state. */
  s?: string;
  /** Outcome, JSON. */
  o?: string;
  /** When it was over, Unix ms. */
  f?: string;
  /** When its first run began, Unix ms; empty: never. */
  b?: string;
  /** Attempts made. */
  a?: string;
}
