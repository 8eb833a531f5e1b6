import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { ANTHROPIC_LINES, InputCheck, SplitRequests } from '@sluice/core';
import { FileTooLarge } from '@sluice/files';
import { BETA } from '@sluice/pipeline';
import type { BatchRow } from '@sluice/store';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { apiError } from '../api-error.js';
import { betaOf } from '../beta-of.js';
import type { BegunBatches } from '../batches/begun-batches.js';
import { hashed } from '../files/hashed.js';
import type { KeptFiles } from '../files/kept-files.js';
import type { Once } from '../idempotency/once.js';
import { tenantOf } from '../request-options.js';

const MB = 1024 * 1024;
const MOST_BYTES = 256 * MB;
const MOST_REQUESTS = 100_000;
const MOST_REQUEST_BYTES = 10 * MB;
const DAY_MS = 86_400_000;
const RESULTS_KEPT_MS = 29 * DAY_MS;
/** The requests are read for a day at most, and a little longer by who comes after a crash. */
const REQUESTS_KEPT_MS = 3 * DAY_MS;

/**
 * `POST /v1/messages/batches`: the requests go to the storage as they come, a line each, and become a batch when all of them
 * have an id of their own; else nothing is left of them. What they ask is looked at when they are run, as at Anthropic's.
 * @throws 400, 413
 */
export async function receiveMessageBatch(
  request: FastifyRequest,
  reply: FastifyReply,
  { files, begun, once }: { files: KeptFiles; begun: BegunBatches; once: Once },
): Promise<BatchRow> {
  const tenant = tenantOf(request.headers);
  const beta = betaOf(request.headers);
  if (Number(request.headers['content-length'] ?? 0) > MOST_BYTES) throw tooLarge();
  const check = new InputCheck(ANTHROPIC_LINES, MOST_REQUESTS);
  const lines = linesOf(request.body as Readable | undefined, check);
  /** Of the requests, where a repeat is to be known by them. */
  const hash = request.headers['idempotency-key'] === undefined ? undefined : createHash('sha256');
  const kept = await files.keep(hash === undefined ? lines : hashed(lines, hash), MOST_BYTES).catch(refusal);
  let isUsed = false;
  const make = async (id: string): Promise<BatchRow> => {
    isUsed = true;
    const { id: inputFileId } = await files.register(kept, {
      tenant,
      purpose: 'message_batch',
      filename: 'requests.jsonl',
      keptMs: REQUESTS_KEPT_MS,
    });
    return begun.begin(id, {
      tenant,
      dialect: 'anthropic',
      endpoint: '/v1/messages',
      inputFileId,
      completionWindow: '24h',
      windowMs: DAY_MS,
      outputKeptMs: RESULTS_KEPT_MS,
      metadata: beta === undefined ? {} : { [BETA]: beta },
      retriedFrom: null,
      checkedLines: check.lines,
    });
  };
  try {
    return await once.make(request, reply, {
      tenant,
      ...(hash === undefined ? {} : { fingerprint: hash.digest('hex') }),
      newId: () => begun.newId('msgbatch_'),
      make,
      find: (id) => begun.find(tenant, 'anthropic', id),
    });
  } finally {
    if (!isUsed) await files.discard(kept);
  }
}

async function* linesOf(body: Readable | undefined, check: InputCheck): AsyncGenerator<Buffer> {
  let lines: Buffer[] = [];
  const requests = new SplitRequests(MOST_REQUEST_BYTES, (line) => {
    check.push(check.lines + 1, line?.toString());
    if (line !== undefined) lines.push(line, LINE_BREAK);
  });
  // A body that is refused in its middle is read to its end by Node: destroyed, its socket would go with the answer.
  for await (const bytes of body?.iterator({ destroyOnReturn: false }) ?? []) {
    requests.push(bytes as Buffer);
    refuseIf(requests, check);
    if (lines.length > 0) yield Buffer.concat(lines);
    lines = [];
  }
  requests.end();
  if (requests.problem === undefined) check.end();
  refuseIf(requests, check);
}

const LINE_BREAK = Buffer.from('\n');

function refuseIf({ problem }: SplitRequests, { problems: [first] }: InputCheck): void {
  if (problem !== undefined) throw apiError('invalid_request', problem);
  if (first === undefined) return;
  const place = first.line === null ? 'requests' : `requests.${first.line - 1}`;
  const member = first.param === null ? place : `${place}.${first.param}`;
  throw apiError('invalid_request', `${member}: ${first.message}`, member);
}

function refusal(error: unknown): never {
  throw error instanceof FileTooLarge ? tooLarge() : error;
}

const tooLarge = (): Error =>
  apiError('request_too_large', `A message batch may have ${MOST_BYTES / MB} MB and ${MOST_REQUESTS} requests.`);
