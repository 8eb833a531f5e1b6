import { Seam, type AttemptTimeouts, type Deployment, type Failure, type GoingOn } from '@sluice/core';
import type { Call, StreamEvent } from '@sluice/providers';
import type { DeliveredAnswer } from '@sluice/wire';
import type { Run, RunDeps } from '../run-deps.js';
import { Splice } from './splice.js';

/** The stream of an attempt that goes on with an answer. */
export interface RestOfAnswer extends AsyncIterable<StreamEvent[]> {
  /** It began anew, and what was delivered already has been taken out: its usage is that of the whole. */
  readonly isWhole: () => boolean;
}

/**
 * Asks a deployment for what follows the text that was delivered, and gives only that. As a prefill where the model takes one; if it
 * answers 400 to that, and where it takes none, by a turn of the user. An answer that was cut in its reasoning is asked
 * afresh.
 */
export function restOfAnswer(
  run: Run,
  call: Call,
  delivered: DeliveredAnswer,
  deployment: Deployment,
  timeouts: AttemptTimeouts,
  { providers }: RunDeps,
): RestOfAnswer {
  let splice: Splice | undefined;
  let asked: AsyncIterator<StreamEvent[]> | undefined;

  /** True when the provider refused the way in which it was asked. */
  async function* askOnce(how: GoingOn, leftMs: number): AsyncGenerator<StreamEvent[], boolean> {
    const form = how === 'prefill' ? providers.prefillForm(call, deployment) : undefined;
    const { text } = delivered;
    const tokens = Math.min(delivered.chunks, Math.ceil(text.length / 4)); // rather too few than too many
    const again =
      how === 'afresh' ? { ...call, inChat: true } : providers.callForRest(call, { text, prefill: form, tokens });
    splice = new Splice(new Seam(text, how), delivered, call, run.job.includeUsage);
    asked = providers.stream(again, deployment, run.stop, { ...timeouts, totalMs: leftMs })[Symbol.asyncIterator]();
    try {
      for (;;) {
        const { done, value: batch } = await asked.next();
        if (done) return false;
        const refusal = batch.length === 1 && how === 'prefill' ? failureOf(batch[0]!) : undefined;
        if (refusal?.kind === 'bad_request' && refusal.status !== undefined) return true;
        const { events, hasDeparted } = splice.take(batch);
        if (events.length > 0) yield events;
        if (hasDeparted) return false;
      }
    } finally {
      await asked.return?.();
    }
  }

  async function* ask(): AsyncGenerator<StreamEvent[], undefined> {
    const startedMs = performance.now();
    const leftMs = (): number => Math.max(1, timeouts.totalMs - (performance.now() - startedMs));
    if (delivered.text.trim() === '') {
      yield* askOnce('afresh', leftMs());
      return undefined;
    }
    if (providers.prefillForm(call, deployment) !== undefined) {
      const isRefused = yield* askOnce('prefill', leftMs());
      if (!isRefused) return undefined;
      providers.notePrefillRefused(deployment);
    }
    yield* askOnce('turn', leftMs());
    return undefined;
  }

  return {
    isWhole: () => splice?.isWhole ?? false,
    [Symbol.asyncIterator]: () => {
      const batches = ask();
      return {
        next: () => batches.next(),
        // As in the client: a generator that awaits would hear of it only with the next bytes.
        return: () => {
          void asked?.return?.();
          return batches.return(undefined);
        },
      };
    },
  };
}

const failureOf = (event: StreamEvent): Failure | undefined => (event.kind === 'failure' ? event.failure : undefined);
