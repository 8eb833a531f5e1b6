import { makeOnce } from '@sluice/pipeline';
import type { KeyClaims } from '@sluice/state';
import { ERROR_CODES } from '@sluice/wire';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ApiException } from '../api-error.js';
import { REPLAYED } from './come-back.js';
import { keyedCall } from './same-call.js';

export interface OnceMaking<Thing> {
  tenant: string;
  /** Of a body that is not JSON: a digest of its parts. */
  fingerprint?: string;
  newId: () => string;
  /** Under this id, which an earlier call with the key may have fixed. */
  make: (id: string) => Promise<Thing>;
  /** Undefined or 404: it is not there (any more). */
  find: (id: string) => Promise<Thing | undefined>;
}

/** What a POST makes that is no job, once for each Idempotency-Key. */
export class Once {
  constructor(private readonly claims: Pick<KeyClaims, 'claim' | 'settle'>) {}

  /** @throws 409 while another call makes it, 410, 422, and what `make` throws: after a refusal nothing is remembered */
  async make<Thing>(
    request: FastifyRequest,
    reply: FastifyReply,
    { tenant, fingerprint, newId, make, find }: OnceMaking<Thing>,
  ): Promise<Thing> {
    const same = keyedCall(request, tenant, fingerprint);
    const making = { newId, make: (id: string) => madeOrRefused(make(id)), find: (id: string) => foundOrNot(find(id)) };
    const made = await makeOnce(same, making, { claims: this.claims });
    if (made.kind === 'refused') throw new ApiException(made.error);
    if (made.kind === 'found') reply.headers(REPLAYED);
    return made.thing;
  }
}

const statusOf = (error: unknown): number | undefined =>
  error instanceof ApiException ? ERROR_CODES[error.error.code].status : undefined;

async function madeOrRefused<Thing>(
  making: Promise<Thing>,
): Promise<{ thing: Thing } | { refused: ApiException['error'] }> {
  try {
    return { thing: await making };
  } catch (error) {
    if (error instanceof ApiException && statusOf(error)! < 500) return { refused: error.error };
    throw error;
  }
}

async function foundOrNot<Thing>(finding: Promise<Thing | undefined>): Promise<Thing | undefined> {
  try {
    return await finding;
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw error;
  }
}
