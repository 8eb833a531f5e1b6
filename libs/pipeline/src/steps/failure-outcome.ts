import { callsMade, consequenceOf, type Failure, type FailReason, type FailureKind, type Tried } from '@sluice/core';
import { isEndpoint, type ErrorCode, type Outcome } from '@sluice/wire';
import { allOut } from '../all-out.js';
import { misfitError } from '../misfit-error.js';
import type { Run } from '../run-deps.js';
import { NO_CAPACITY } from '../submit-inference.js';
import type { AnsweredAttempt } from './attempt.js';
import type { UnsupportedParam } from './support.js';

/** How a run ends its job. */
export type FinishedRun =
  | { state: 'completed'; attempt: AnsweredAttempt; accounting: Promise<unknown> }
  | { state: 'failed' | 'cancelled' | 'expired'; error: NonNullable<Outcome['error']> };

export type Because =
  | FailReason
  | UnsupportedParam
  /** After the first content was sent. */
  | { kind: 'interrupted'; by: Failure }
  | { kind: 'worker_stopped' }
  | { kind: 'worker_lost' };

/** What the caller is told. Provider's own words only where they are about the caller's request. */
export function failureOutcome(run: Run, because: Because): FinishedRun {
  switch (because.kind) {
    case 'no_capacity':
      return failed('no_capacity', NO_CAPACITY + attemptsTold(run), because.retryAfterMs);
    case 'all_out':
      return { state: 'failed', error: allOut(because.retryAfterMs, attemptsTold(run)) };
    case 'unfit':
      return { state: 'failed', error: misfitError(run.job.model, because.misfit) };
    case 'unsupported_param': {
      const { param } = because;
      if (isEndpoint(param)) {
        const message = `No deployment of "${run.job.model}" serves ${param}.`;
        return { state: 'failed', error: { code: 'invalid_request', message, param: 'model' } };
      }
      const message = `No deployment of this model supports ${param}. Leave it out, or set drop_params.`;
      return { state: 'failed', error: { code: 'invalid_request', message, param } };
    }
    case 'deadline':
      return expired('deadline_exceeded', 'The deadline of the call has passed.' + attemptsTold(run));
    case 'interrupted':
      return failed(
        consequenceOf(because.by).code as ErrorCode,
        `${SENTENCES[because.by.kind]} ${NOT_WHOLE}${attemptsTold(run)}`,
        because.by.retryAfterMs,
      );
    case 'worker_stopped':
      return failed('upstream_interrupted', `The worker that ran the call was stopped. ${NOT_WHOLE}`);
    case 'worker_lost':
      return failed('upstream_interrupted', `The worker that ran the call was lost. ${NOT_WHOLE}${attemptsTold(run)}`);
    case 'attempts_failed':
      return attemptsFailed(run);
  }
}

const NOT_WHOLE = 'The text so far is not the whole answer.';

/** The error of the first group's last attempt; later ones are told. A 429 hides no real failure. */
function attemptsFailed(run: Run): FinishedRun {
  const { tried, route } = run.progress;
  const inFirst = tried.filter((t) => t.group === route[0]);
  const shown = inFirst.findLast((t) => t.kind !== 'rate_limit') ?? inFirst.at(-1) ?? tried.at(-1)!;
  const code = consequenceOf(shown).code as ErrorCode;
  const message = `${sentenceOf(shown)}${attemptsTold(run)}`;
  return {
    state: 'failed',
    error: {
      code,
      message,
      ...(shown.param === undefined ? {} : { param: shown.param }),
      ...(shown.retryAfterMs === undefined ? {} : { retryAfterMs: shown.retryAfterMs }),
    },
  };
}

const SENTENCES: Record<FailureKind, string> = {
  client_gone: 'The caller left.',
  cancelled: 'The call was cancelled.',
  deadline: 'The deadline of the call has passed.',
  bad_request: 'The provider refused the request.',
  auth: "The provider refused the deployment's credentials.",
  permission: "The provider refused the deployment's credentials.",
  not_found: "The provider does not know the deployment's model.",
  context_length: "The messages are longer than the model's context window.",
  content_filter: "The provider's content filter refused the request.",
  rate_limit: 'The provider is at its rate limit.',
  quota_exhausted: "The quota of the provider's account is spent.",
  overloaded: 'The provider is overloaded.',
  server: 'The provider failed.',
  timeout: 'The provider did not answer in time.',
  network: 'The provider could not be reached.',
  stream_broken: 'The provider broke its answer off.',
  malformed: "The provider's answer could not be read.",
  departed: 'The answer broke off, and the one that was to go on with it said something else.',
};

/** Kinds that are about the request itself: the provider's sentence is what helps its author. */
const ABOUT_THE_REQUEST = new Set<FailureKind>(['bad_request', 'context_length', 'content_filter']);

export function sentenceOf({ kind, message }: Pick<Tried, 'kind' | 'message'>): string {
  if (!ABOUT_THE_REQUEST.has(kind) || message === '') return SENTENCES[kind];
  return `${SENTENCES[kind]} It says: ${message}${ENDS_A_SENTENCE.test(message) ? '' : '.'}`;
}

/** Also one that was cut off, and one in quotes or brackets. */
const ENDS_A_SENTENCE = /[.!?…]["'”’)\]]?\s*$/;

/** ` Attempts: azure-west 500 server; azure-east timeout.` Empty when one attempt says it all. */
function attemptsTold({ progress: { tried } }: Run): string {
  if (callsMade(tried) < 2) return '';
  const told = tried
    .slice(-20)
    .map(({ deployment, status, kind, times }) =>
      [deployment, status, kind, times && `×${times}`].filter((part) => part !== undefined).join(' '),
    );
  return ` Attempts: ${told.join('; ')}.`;
}

const expired = (code: ErrorCode, message: string): FinishedRun => ({ state: 'expired', error: { code, message } });

function failed(code: ErrorCode, message: string, retryAfterMs?: number): FinishedRun {
  return { state: 'failed', error: { code, message, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) } };
}
