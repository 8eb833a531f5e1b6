import type { Failure, LimitNews } from '@sluice/core';
import type { Call, StreamEvent, Usage } from '@sluice/providers';
import { roleChunk, sseData, SSE_DONE, usageBody, usageChunk, type Served } from '@sluice/wire';
import type { Billed, Run, RunDeps } from '../run-deps.js';
import type { Attempt, Untimed } from './attempt.js';

/** A stream that was begun: its first batch is asked for already. */
export interface BegunStream {
  call: Call;
  served: Served;
  first: Promise<IteratorResult<StreamEvent[]>>;
  rest: AsyncIterator<StreamEvent[]>;
  /** Of an attempt that goes on with an answer: it began anew. */
  isWhole: () => boolean;
}

/**
 * Passes content on as it comes. Held back: the role (written with the first content), and the finishes, which are sent
 * with the terminal record: who sees a finish sees an answer that is complete and written down.
 */
export async function relayStream(
  run: Run,
  { call, served, first, rest, isWhole }: BegunStream,
  { providers }: RunDeps,
): Promise<Untimed<Attempt>> {
  let isCommitted = false;
  let tail = '';
  let chars = 0;
  let usage: Usage | undefined;
  let failure: Failure | undefined;
  let limits: LimitNews | undefined;
  let requestId: string | undefined;

  for (let next = await first; next.done !== true; next = await rest.next()) {
    let content = '';
    let count = 0;
    for (const event of next.value) {
      switch (event.kind) {
        case 'chunk':
          chars += event.contentChars;
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
          ({ limits, requestId } = event);
          break;
      }
    }
    if (count === 0) continue;
    run.firstContentAt ??= performance.now();
    const opening = run.isCommitted ? undefined : roleChunks(run, call);
    const verdict = await (opening === undefined
      ? run.relay.push(content, count)
      : run.relay.push(opening + content, count + run.job.choices, JSON.stringify(served)));
    isCommitted = true;
    run.isCommitted = true;
    if (verdict !== 'go') {
      void rest.return?.();
      return { kind: 'failed', failure: CANCELLED, isCommitted };
    }
  }
  const said = limits && { limits };
  if (failure !== undefined) {
    const used = usage ?? (isCommitted ? providers.estimate(call, chars) : undefined);
    return { kind: 'failed', failure, isCommitted, ...(used === undefined ? {} : { usage: used }), ...said };
  }
  const opening = run.isCommitted ? '' : roleChunks(run, call);
  const known = requestId === undefined ? said : { ...said, requestId };
  const told = run.delivered === undefined ? usage : toldUsage(run.billed!, usage, isWhole());
  return { kind: 'answered', body: opening + tail + usageEvent(run, call, told) + SSE_DONE, usage, told, ...known };
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
