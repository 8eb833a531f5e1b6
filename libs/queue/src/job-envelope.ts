/** All that BullMQ carries. The request and the result are in the job record: BullMQ copies job data more than once. */
export interface JobEnvelope {
  jobId: string;
  /** Inbox channel of the api replica that waits. */
  replyTo: string;
  /** To be reserved for it, when every deployment of its group may serve it: a lease can then be asked for with `begin`. */
  tokens?: number | undefined;
}

/**
 * BullMQ's id of a job that was fed for the n-th time. A repeated add after a time-out has the same id and is dropped; a
 * job that goes back to the backlog never meets its predecessor.
 */
export const bullJobId = (jobId: string, fed: number): string => `${jobId}-${fed}`;

/** What a run has of BullMQ: which of its job's numbers, and the lock that says that nobody took it for lost. */
export interface JobTurn extends JobEnvelope {
  fed: number;
  token: string;
}

export const turnOf = (bullId: string, token: string, { jobId, replyTo, tokens }: JobEnvelope): JobTurn => ({
  jobId,
  replyTo,
  tokens,
  fed: Number(bullId.slice(bullId.lastIndexOf('-') + 1)),
  token,
});
