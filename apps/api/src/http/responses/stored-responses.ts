import type { InferenceJob } from '@sluice/pipeline';
import type { JobRecords, JobSnapshot } from '@sluice/queue';
import {
  NO_REASON,
  saidBefore,
  storedResponse,
  type AnswerIdentity,
  type AskedBody,
  type ChatMessage,
  type DurableJob,
  type Outcome,
  type ResponseProgress,
} from '@sluice/wire';
import { apiError, ApiException } from '../api-error.js';
import type { JobFinder } from '../jobs/job-finder.js';

/** A response that can be asked for by its id, and the job that it is. */
export interface StoredResponse {
  id: string;
  job: InferenceJob;
  /** What its caller wrote. */
  asked: AskedBody;
  identity: AnswerIdentity;
  snapshot: JobSnapshot;
  /** Absent: it is not over. */
  outcome: Outcome | undefined;
}

export const RESPONSES = '/v1/responses';

/** Responses are jobs: `resp_X` is `job_X`. Nothing of them stands anywhere else. */
export class StoredResponses {
  constructor(
    private readonly finder: Pick<JobFinder, 'find'>,
    private readonly records: Pick<JobRecords, 'bytes'>,
  ) {}

  /** @throws 404, of an id that is unknown, foreign, gone, or that of another kind of job: all the same to its caller */
  async find(id: string, tenant: string): Promise<StoredResponse> {
    const found = await this.look(id, tenant);
    if (found === undefined) throw noSuchResponse(id);
    return found;
  }

  /** As `GET /v1/responses/ID` shows it. */
  async view(stored: StoredResponse): Promise<Buffer> {
    return storedResponse(stored.asked, stored.identity, await this.progressOf(stored));
  }

  /** The whole chat completion of one that has completed. @throws 404 when it has gone since */
  async answer({ id, job }: StoredResponse): Promise<Buffer> {
    const { result } = await this.records.bytes(job.group, job.jobId, ['result']);
    if (result === undefined) throw noSuchResponse(id);
    return result;
  }

  /** The items of the answer of one that has completed. */
  async output(stored: StoredResponse): Promise<readonly unknown[]> {
    const { output } = parsed(await this.view(stored));
    return Array.isArray(output) ? output : [];
  }

  /**
   * The conversation that a call goes on with. One look, however long it is: each response keeps what had been said before
   * it, so that it goes on after its predecessors are gone.
   * @throws 400 naming previous_response_id
   */
  async previous(id: unknown, tenant: string): Promise<ChatMessage[]> {
    const found = typeof id === 'string' ? await this.look(id, tenant) : undefined;
    if (found === undefined) throw previousMustBe('stored here');
    const { job, snapshot } = found;
    if (snapshot.state !== 'completed') throw previousMustBe('completed');
    const { request, result } = await this.records.bytes(job.group, job.jobId, ['request', 'result']);
    if (request === undefined || result === undefined) throw previousMustBe('stored here with its input');
    return saidBefore(found.asked, parsed(request), parsed(result));
  }

  private async look(id: string, tenant: string): Promise<StoredResponse | undefined> {
    if (!id.startsWith('resp_')) return undefined;
    const found = await this.finder.find(`job_${id.slice(5)}`, tenant).catch(unlessNotFound);
    if (found === undefined) return undefined;
    const { jobId, group, snapshot } = found;
    const { asked } = await this.records.bytes(group, jobId, ['asked']);
    const durable = snapshot.durable === undefined ? undefined : (JSON.parse(snapshot.durable) as DurableJob);
    if (asked === undefined || (durable?.endpoint ?? RESPONSES) !== RESPONSES) return undefined;
    const job = JSON.parse(snapshot.job) as InferenceJob;
    const outcome = snapshot.outcome === undefined ? undefined : (JSON.parse(snapshot.outcome) as Outcome);
    const identity = { jobId, createdAtMs: job.acceptedAtMs, model: job.model };
    return { id, job, asked: parsed(asked), identity, snapshot, outcome };
  }

  private async progressOf(stored: StoredResponse): Promise<ResponseProgress> {
    switch (stored.snapshot.state) {
      case 'queued':
        return { kind: 'waiting' };
      case 'running':
        return { kind: 'running' };
      case 'completed':
        return { kind: 'answered', answer: await this.answer(stored) };
      case 'cancelled':
      case 'failed':
      case 'expired':
        return { kind: 'ended', error: stored.outcome?.error ?? NO_REASON };
    }
  }
}

const parsed = (json: Buffer): AskedBody => JSON.parse(json.toString()) as AskedBody;

function unlessNotFound(thrown: unknown): undefined {
  if (thrown instanceof ApiException && thrown.error.code === 'not_found') return undefined;
  throw thrown;
}

export const noSuchResponse = (id: string): ApiException =>
  apiError('not_found', `There is no response "${id.slice(0, 100)}".`, 'id');

const previousMustBe = (what: string): ApiException =>
  apiError(
    'invalid_request',
    `previous_response_id must be the id of a response that is ${what}.`,
    'previous_response_id',
  );
