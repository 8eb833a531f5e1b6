import { attemptTimeouts, callsMade, type AttemptTimeouts, type Deployment, type Failure } from '@sluice/core';
import type { Call, StreamEvent } from '@sluice/providers';
import type { Served } from '@sluice/wire';
import type { Run, RunDeps } from '../run-deps.js';
import type { Attempt, Untimed } from './attempt.js';
import { callOfTarget } from './call-of-target.js';
import type { Dispatched } from './dispatch.js';
import { beginAttempt, endAttempt } from './logged-attempt.js';
import { relayStream, type BegunStream } from './relay-stream.js';
import { restOfAnswer } from './rest-of-answer.js';

/** What an attempt must know of whom it asks. */
type ToAsk = Pick<
  Dispatched,
  'deployment' | 'group' | 'target' | 'progress' | 'candidates' | 'refusals' | 'othersCanServe'
>;

/** A deployment that has been asked; nothing of what it says is sent on before `finish`. */
export interface OpenAttempt<Whom extends ToAsk = Dispatched> {
  readonly dispatched: Whom;
  /** Over all runs of the job, 1 for the first. */
  readonly number: number;
  readonly call: Call;
  /** By `performance.now()`. */
  readonly startedMs: number;
  /** Settles with its first content, or with the end of one that has none. Never rejects. */
  readonly first: Promise<'content' | 'failure'>;
  /** Sends content on as it comes, to the end; once. */
  finish: () => Promise<Attempt>;
  /** Closes the provider's socket at once. */
  close: () => void;
}

/** Asks the leased deployment. */
export function openAttempt<Whom extends ToAsk>(run: Run, dispatched: Whom, deps: RunDeps): OpenAttempt<Whom> {
  const { deployment, group, target, othersCanServe } = dispatched;
  const { job } = run;
  const leftMs = job.deadlineMs - deps.nowMs();
  const timeouts = attemptTimeouts(job, deployment, deps.policy, () => job.stream && othersCanServe(), leftMs);
  const call = callFor(run, callOfTarget(run, target, deps), group);
  const served = servedBy(run, dispatched, deps.policy.numRetries);
  const number = beginAttempt(run, dispatched, deps);
  const startedMs = performance.now();
  const begun = job.stream
    ? beginStream(run, call, served, deployment, timeouts, deps)
    : beginCall(run, call, deployment, timeouts, deps);

  const finish = async (): Promise<Attempt> => {
    run.served = served;
    run.relay.attempt = number;
    run.firstContentAt = undefined;
    const attempt = await begun.finish();
    const durationMs = performance.now() - startedMs;
    run.upstreamMs += durationMs;
    const firstContentMs = run.firstContentAt === undefined ? undefined : run.firstContentAt - startedMs;
    const timed: Attempt =
      attempt.kind === 'failed' && timeouts.totalMs >= leftMs
        ? { ...attempt, failure: ofTheDeadline(attempt.failure), durationMs, firstContentMs }
        : { ...attempt, durationMs, firstContentMs };
    endAttempt(run, number, dispatched, timed, deps);
    return timed;
  };
  return { dispatched, number, call, startedMs, first: begun.first, finish, close: begun.close };
}

interface Begun extends Pick<OpenAttempt, 'first' | 'close'> {
  finish: () => Promise<Untimed<Attempt>>;
}

function beginStream(
  run: Run,
  call: Call,
  served: Served,
  deployment: Deployment,
  timeouts: AttemptTimeouts,
  deps: RunDeps,
): Begun {
  const { delivered } = run;
  const goesOn = delivered && restOfAnswer(run, call, delivered, deployment, timeouts, deps);
  const events: AsyncIterable<StreamEvent[]> = goesOn ?? deps.providers.stream(call, deployment, run.stop, timeouts);
  const rest = events[Symbol.asyncIterator]();
  const first = rest.next();
  const close = (): void => void rest.return?.().catch(() => undefined);
  const stream: BegunStream = { call, served, first, rest, isWhole: goesOn?.isWhole ?? (() => false) };
  return {
    first: first.then(
      ({ value }) => (isContent(value as StreamEvent[] | undefined) ? 'content' : 'failure'),
      () => 'failure',
    ),
    finish: () =>
      relayStream(run, stream, deps).catch((surprise: unknown) => {
        close();
        throw surprise;
      }),
    close,
  };
}

/** Batches come with the first content, or with the end. */
const isContent = (batch: readonly StreamEvent[] | undefined): boolean =>
  batch?.some(({ kind }) => kind === 'chunk' || kind === 'end') ?? false;

function beginCall(run: Run, call: Call, deployment: Deployment, timeouts: AttemptTimeouts, deps: RunDeps): Begun {
  const { stop } = run;
  const own = new AbortController();
  const onStop = (): void => own.abort(stop.reason);
  if (stop.aborted) onStop();
  else stop.addEventListener('abort', onStop, { once: true });
  const answer = completeOnce(call, deployment, own.signal, timeouts, deps).finally(() =>
    stop.removeEventListener('abort', onStop),
  );
  return {
    first: answer.then(
      ({ kind }) => (kind === 'answered' ? 'content' : 'failure'),
      () => 'failure',
    ),
    finish: () => answer,
    close: () => own.abort(),
  };
}

async function completeOnce(
  call: Call,
  deployment: Deployment,
  stop: AbortSignal,
  timeouts: AttemptTimeouts,
  { providers }: RunDeps,
): Promise<Untimed<Attempt>> {
  const reply = await providers.complete(call, deployment, stop, timeouts);
  const said = reply.limits && { limits: reply.limits };
  const requestId = reply.kind === 'answer' && reply.requestId;
  return reply.kind === 'answer'
    ? { kind: 'answered', body: reply.text, usage: reply.usage, ...(requestId ? { requestId } : {}), ...said }
    : { kind: 'failed', failure: reply.failure, isCommitted: false, ...said };
}

/** Cut off because the caller's time was over: that is not the deployment's fault. */
const ofTheDeadline = (failure: Failure): Failure =>
  failure.kind === 'timeout' && failure.phase === 'total' ? { ...failure, kind: 'deadline' } : failure;

/** All chunks name one model: the asked one, or the fallback group that gave the first content. */
function callFor({ job, delivered }: Run, call: Call, group: string): Call {
  const model = delivered?.model ?? (group === job.group ? call.model : group);
  return model === call.model ? call : { ...call, model };
}

function servedBy(run: Run, { deployment, group, progress, candidates }: ToAsk, maxRetries: number): Served {
  const { tried } = run.progress;
  const groupsAsked = new Set([...tried.map((t) => t.group), group]).size;
  const chosen = candidates.length > 1 ? candidates.find((each) => each.deployment.id === deployment.id) : undefined;
  return {
    deployment: deployment.id,
    group,
    apiBase: originOf(deployment.target.baseUrl),
    retries: callsMade(tried) + 1 - groupsAsked,
    fallbacks: progress.route.length - 1,
    maxRetries: run.job.maxAttempts === undefined ? maxRetries : run.job.maxAttempts - 1,
    ...(chosen === undefined ? {} : { measure: chosen.measure }),
  };
}

const origins = new Map<string, string>();

function originOf(url: string): string {
  const known = origins.get(url);
  if (known !== undefined) return known;
  const origin = URL.canParse(url) ? new URL(url).origin : '';
  origins.set(url, origin);
  return origin;
}
