import {
  lifeEventsOf,
  presentationOf,
  readPayload,
  usageBody,
  WholeAnswer,
  WholeCompletion,
  WholeMessage,
  type EventFold,
} from '@sluice/wire';
import type { Run, RunDeps } from '../run-deps.js';
import type { AnsweredAttempt } from './attempt.js';

/** Puts one endpoint's events together. */
interface Whole {
  add: (events: string) => void;
  answer: () => Record<string, unknown>;
}

/**
 * The answer of a stream as one body, in the dialect in which the job runs: read back from the job's stream, since more than
 * one run may have given it.
 */
export async function wholeAnswer(run: Run, { body, told }: AnsweredAttempt, deps: RunDeps): Promise<string> {
  const { job } = run;
  let fold = foldOf(run);
  let whole = wholeOf(run, told);
  const add = (events: string): void => whole.add(fold?.push(events) ?? events);
  await deps.frames.replay(job.group, job.jobId, ({ kind, payload }) => {
    if (kind === 'events') add(payload.toString());
    if (kind === 'head') add(readPayload(payload).rest.toString());
    const isVoid = kind === 'life' && lifeEventsOf(payload).some(({ type }) => type === 'job.output_reset');
    if (!isVoid) return;
    fold = foldOf(run);
    whole = wholeOf(run, told);
  });
  whole.add(fold?.end(body) ?? body);
  return JSON.stringify(whole.answer());
}

/** Its stream may hold chat chunks as well: deployments differ in what they speak. */
function foldOf({ job: { endpoint, jobId, acceptedAtMs: createdAtMs, model } }: Run): EventFold | undefined {
  return endpoint && presentationOf(endpoint)?.events({ model }, { jobId, createdAtMs, model });
}

function wholeOf({ job: { endpoint }, call }: Run, told: AnsweredAttempt['told']): Whole {
  if (endpoint === '/v1/messages') return new WholeMessage();
  const answer = endpoint === '/v1/completions' ? new WholeCompletion() : new WholeAnswer();
  return { add: (events) => answer.add(events), answer: () => answer.answer(call, told && usageBody(told)) };
}
