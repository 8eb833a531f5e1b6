import { lifeEventsOf, readPayload, usageBody, WholeAnswer } from '@sluice/wire';
import type { Run, RunDeps } from '../run-deps.js';
import type { AnsweredAttempt } from './attempt.js';

/** The answer of a stream as one body: read back from the job's stream, since more than one run may have given it. */
export async function wholeAnswer(run: Run, { body, told }: AnsweredAttempt, deps: RunDeps): Promise<string> {
  const { job, call, delivered } = run;
  let whole = new WholeAnswer();
  await deps.frames.replay(job.group, job.jobId, ({ kind, payload }) => {
    if (kind === 'events') whole.add(payload.toString());
    if (kind === 'head') whole.add(readPayload(payload).rest.toString());
    const isVoid = kind === 'life' && lifeEventsOf(payload).some(({ type }) => type === 'job.output_reset');
    if (isVoid) whole = new WholeAnswer();
  });
  whole.add(body);
  const identity = { ...call, model: delivered?.model ?? call.model };
  return JSON.stringify(whole.answer(identity, told && usageBody(told)));
}
