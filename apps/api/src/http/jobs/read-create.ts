import type { IncomingHttpHeaders } from 'node:http';
import { elementsAt, membersAt, resolveModel } from '@sluice/core';
import type { DurableDeps, DurableRequest, DurableTraits } from '@sluice/pipeline';
import type { FastifyRequest } from 'fastify';
import { ApiException } from '../api-error.js';
import { betaOf } from '../beta-of.js';
import { checkedBody } from '../lean-validation.pipe.js';
import { readRequestOptions, tenantOf } from '../request-options.js';
import { translatedCall } from '../translated-call.js';
import { readCreateMembers, type CreateMembers } from './create-members.js';

/** A job as its submitter wants it. */
export interface NewJob {
  request: DurableRequest;
  traits: DurableTraits;
}

export interface Submitter {
  headers: IncomingHttpHeaders;
  hasMasterKey: boolean;
  requestId: string;
  tenant: string;
}

export const submitterOf = ({ headers, hasMasterKey, id }: FastifyRequest): Submitter => ({
  headers,
  hasMasterKey,
  requestId: id,
  tenant: tenantOf(headers),
});

/**
 * @param bytes of its member `body`, as they came
 * @throws 400 invalid_request or invalid_header
 */
export function readCreate(
  create: unknown,
  bytes: () => Buffer | undefined,
  submitter: Submitter,
  { models, isStrict, nowMs }: Pick<DurableDeps, 'models' | 'isStrict' | 'nowMs'>,
): NewJob {
  const isModel = (name: string): boolean => resolveModel(models, name, isStrict).kind === 'found';
  const members = readCreateMembers(checkedBody(create), isModel, nowMs());
  const { endpoint, traits } = members;
  const { headers, hasMasterKey, requestId } = submitter;
  const own = bytes();
  const call = inBody(() => translatedCall(endpoint, members.body, { source: own }));
  const options = inBody(() => readRequestOptions(headers, call.asked, isModel, hasMasterKey));
  return {
    request: {
      source: call.source,
      endpoint: call.endpoint,
      beta: endpoint === '/v1/messages' ? betaOf(headers) : undefined,
      body: call.body,
      asked: call.isTranslated ? (own ?? Buffer.from(JSON.stringify(call.asked))) : undefined,
      options: { ...options, ...underHeaders(members.options, headers), rejectWhenFull: false },
      requestId,
    },
    traits: { ...traits, kind: 'native', endpoint },
  };
}

/** Headers that say the same: what they say counts. */
const HEADERS: Record<keyof CreateMembers['options'], readonly string[]> = {
  tier: ['x-sluice-priority'],
  queueTtlMs: ['x-sluice-queue-ttl'],
  timeoutMs: ['x-sluice-timeout', 'x-litellm-timeout'],
  deadlineMs: ['x-sluice-deadline'],
  maxAttempts: ['x-sluice-max-attempts', 'x-litellm-num-retries'],
  fallbacks: ['x-sluice-fallbacks'],
};

function underHeaders(options: CreateMembers['options'], headers: IncomingHttpHeaders): CreateMembers['options'] {
  const said = Object.entries(options).filter(([name]) =>
    HEADERS[name as keyof CreateMembers['options']].every((header) => headers[header] === undefined),
  );
  return Object.fromEntries(said);
}

/** What is wrong with the call stands in the member `body`. */
export function inBody<Read>(read: () => Read): Read {
  try {
    return read();
  } catch (thrown) {
    if (!(thrown instanceof ApiException) || thrown.error.code === 'invalid_header') throw thrown;
    const { message, param, ...error } = thrown.error;
    if (param === undefined) throw new ApiException({ ...error, message: `body: ${message}`, param: 'body' });
    const shown = message.startsWith(param) ? `body.${message}` : message;
    throw new ApiException({ ...error, message: shown, param: `body.${param}` });
  }
}

/** Of the last member of that name, as JSON.parse has it. */
const bytesOfMember = (text: string, at: number, name: string): Buffer | undefined => {
  const member = membersAt(text, at).findLast(({ key }) => key === name);
  return member && Buffer.from(text.slice(member.valueStart, member.valueEnd));
};

/** The bytes of `body` in a single submission. */
export const bytesOfBody = (source: Buffer): Buffer | undefined => bytesOfMember(source.toString(), 0, 'body');

/** The bytes of each `body` in `jobs`. */
export function bytesOfBodies(source: Buffer): (Buffer | undefined)[] {
  const text = source.toString();
  const jobs = membersAt(text).findLast(({ key }) => key === 'jobs');
  if (jobs === undefined) return [];
  return elementsAt(text, jobs.valueStart).map(({ start }) => bytesOfMember(text, start, 'body'));
}
