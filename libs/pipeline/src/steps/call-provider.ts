import {
  attemptTimeouts,
  callsMade,
  type AttemptTimeouts,
  type Candidate,
  type Deployment,
  type Failure,
  type LimitNews,
} from '@sluice/core';
import type { Call, StreamEvent, Usage } from '@sluice/providers';
import { roleChunk, sseData, SSE_DONE, usageChunk, usageBody, type Served } from '@sluice/wire';
import type { Billed, Run, RunDeps } from '../run-deps.js';
import { callOfTarget } from './call-of-target.js';
import type { Dispatched } from './dispatch.js';
import { restOfAnswer, type RestOfAnswer } from './rest-of-answer.js';

export type Attempt = AnsweredAttempt | FailedAttempt;

export interface AnsweredAttempt {
  kind: 'answered';
  /** JSON call: the answer. Stream: the SSE events that end it. */
  body: string;
  usage: Usage | undefined;
  /** What the provider said of its own limits. */
  limits?: LimitNews;
  durationMs: number;
  /** Of a stream; absent: none came. */
  firstContentMs: number | undefined;
}

export interface FailedAttempt {
  kind: 'failed';
  failure: Failure;
  /** Content of this attempt has been sent on: it cannot be retried in silence. */
  isCommitted: boolean;
  /** What the provider said that it cost all the same. */
  usage?: Usage;
  limits?: LimitNews;
  durationMs: number;
  firstContentMs: number | undefined;
}

/** Asks the leased deployment, once. Tokens of a stream are relayed from the first content on; nothing before it. */
export async function callProvider(
  run: Run,
  {
    deployment,
    group,
    candidates,
    othersCanServe,
  }: Pick<Dispatched, 'deployment' | 'group' | 'candidates' | 'othersCanServe'>,
  deps: RunDeps,
): Promise<Attempt> {
  const { job, stop } = run;
  const leftMs = job.deadlineMs - deps.nowMs();
  const timeouts = attemptTimeouts(job, deployment, deps.policy, () => job.stream && othersCanServe(), leftMs);
  const call = callFor(run, callOfTarget(run, run.progress.here, deps), group);
  run.served = servedBy(run, deployment, group, candidates, deps.policy.numRetries);
  run.attempts++;

  run.firstContentAt = undefined;
  const startedMs = performance.now();
  const { delivered } = run;
  const attempt = await (!job.stream
    ? completeOnce(call, deployment, stop, timeouts, deps)
    : relayStream(
        run,
        call,
        delivered === undefined
          ? deps.providers.stream(call, deployment, stop, timeouts)
          : restOfAnswer(run, call, delivered, deployment, timeouts, deps),
      ));
  const durationMs = performance.now() - startedMs;
  run.upstreamMs += durationMs;
  const firstContentMs = run.firstContentAt === undefined ? undefined : run.firstContentAt - startedMs;
  if (attempt.kind === 'failed' && timeouts.totalMs >= leftMs) {
    return { ...attempt, failure: ofTheDeadline(attempt.failure), durationMs, firstContentMs };
  }
  return { ...attempt, durationMs, firstContentMs };
}

/** All chunks name one model: the asked one, or the fallback group that gave the first content. */
function callFor({ job, delivered }: Run, call: Call, group: string): Call {
  const model = delivered?.model ?? (group === job.group ? call.model : group);
  return model === call.model ? call : { ...call, model };
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
  return reply.kind === 'answer'
    ? { kind: 'answered', body: reply.text, usage: reply.usage, ...said }
    : { kind: 'failed', failure: reply.failure, isCommitted: false, ...said };
}

/** Cut off because the caller's time was over: that is not the deployment's fault. */
const ofTheDeadline = (failure: Failure): Failure =>
  failure.kind === 'timeout' && failure.phase === 'total' ? { ...failure, kind: 'deadline' } : failure;

type Untimed<Timed> = Timed extends Attempt ? Omit<Timed, 'durationMs' | 'firstContentMs'> : never;

/**
 * Passes content on as it comes. Held back: the role (written with the first content), and the finishes, which are sent
 * with the terminal record: who sees a finish sees an answer that is complete and written down.
 */
async function relayStream(
  run: Run,
  call: Call,
  events: AsyncIterable<StreamEvent[]> | RestOfAnswer,
): Promise<Untimed<Attempt>> {
  let isCommitted = false;
  let tail = '';
  let usage: Usage | undefined;
  let failure: Failure | undefined;
  let limits: LimitNews | undefined;

  for await (const batch of events) {
    let content = '';
    let count = 0;
    for (const event of batch) {
      switch (event.kind) {
        case 'chunk':
          if (event.finishes.length > 0) tail += sseData(event.text);
          else {
            content += sseData(event.text);
            count++;
          }
          break;
        case 'usage':
          usage = event.usage;
          break;
        case 'failure':
          failure = event.failure;
          limits = event.limits;
          break;
        case 'end':
          limits = event.limits;
          break;
      }
    }
    if (count === 0) continue;
    run.firstContentAt ??= performance.now();
    const opening = run.isCommitted ? undefined : roleChunks(run, call);
    const verdict = await (opening === undefined
      ? run.relay.push(content, count)
      : run.relay.push(opening + content, count + run.job.choices, JSON.stringify(run.served)));
    isCommitted = true;
    run.isCommitted = true;
    if (verdict !== 'go') return { kind: 'failed', failure: CANCELLED, isCommitted };
  }
  const said = limits && { limits };
  if (failure !== undefined) {
    return { kind: 'failed', failure, isCommitted, ...(usage === undefined ? {} : { usage }), ...said };
  }
  const opening = run.isCommitted ? '' : roleChunks(run, call);
  const told = run.billed === undefined ? usage : toldUsage(run.billed, usage, 'isWhole' in events && events.isWhole());
  return { kind: 'answered', body: opening + tail + usageEvent(run, call, told) + SSE_DONE, usage, ...said };
}

const CANCELLED: Failure = { kind: 'cancelled', message: 'The run was ended.' };

function roleChunks({ job }: Run, call: Call): string {
  let chunks = '';
  for (let choice = 0; choice < job.choices; choice++) chunks += sseData(roleChunk(call, choice, job.includeUsage));
  return chunks;
}

/** A continued answer counts once: the prompt as it was asked, the text as it was delivered. Source: API.md 1.7. */
function toldUsage(billed: Billed, last: Usage | undefined, isWhole: boolean): Usage | undefined {
  if (last === undefined) return undefined;
  const { firstPrompt: prompt, cached, cacheWrite } = billed;
  if (isWhole) return { ...last, prompt, cached, cacheWrite };
  // Of the reasoning only that of the broken answer was sent.
  const completion = billed.completion + Math.max(0, last.completion - last.reasoning);
  return { ...last, prompt, cached, cacheWrite, completion, reasoning: billed.reasoning, estimated: true };
}

function usageEvent({ job }: Run, call: Call, usage: Usage | undefined): string {
  if (!job.includeUsage || usage === undefined) return '';
  return sseData(usageChunk(call, usageBody(usage)));
}

function servedBy(
  run: Run,
  { id, target }: Deployment,
  group: string,
  candidates: readonly Candidate[],
  maxRetries: number,
): Served {
  const { tried, route } = run.progress;
  const groupsAsked = new Set([...tried.map((t) => t.group), group]).size;
  const chosen = candidates.length > 1 ? candidates.find(({ deployment }) => deployment.id === id) : undefined;
  return {
    deployment: id,
    group,
    apiBase: originOf(target.baseUrl),
    retries: callsMade(tried) + 1 - groupsAsked,
    fallbacks: route.length - 1,
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
