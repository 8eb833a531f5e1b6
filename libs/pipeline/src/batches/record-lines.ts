import type { LineRecords, LineResult } from '@sluice/queue';
import type { BatchResults, DoneLine, LineContext } from '@sluice/store';
import {
  BATCH_DIALECTS,
  presentationOf,
  type ApiError,
  type AskedBody,
  type DurableJob,
  type LineEnd,
  type Outcome,
} from '@sluice/wire';

export interface RecordDeps {
  results: Pick<BatchResults, 'contexts' | 'write'>;
  lines: Pick<LineRecords, 'read' | 'free'>;
  nowMs: () => number;
}

/** A job that is over, of a line. */
export interface OverLine {
  group: string;
  jobId: string;
  durable: DurableJob & { batch: NonNullable<DurableJob['batch']> };
  outcome: Outcome;
}

/** Of results, in memory at a time. */
const PACK_BYTES = 4 * 1024 * 1024;

/**
 * Writes the results of lines that are over into the database, and frees their records where the batch's driver has passed
 * them; it frees the others itself. Safe to repeat: a line is written once, whoever comes with it.
 * @param over of one group
 */
export async function recordLines(over: readonly OverLine[], deps: RecordDeps): Promise<void> {
  if (over.length === 0) return;
  const contexts = await deps.results.contexts([...new Set(over.map(({ durable }) => durable.batch.id))]);
  let left = onceEach(over).filter(({ durable }) => contexts.has(durable.batch.id)); // of others the batch was deleted
  while (left.length > 0) {
    const results = await deps.lines.read(left, PACK_BYTES);
    const pack = left.slice(0, results.length);
    left = left.slice(results.length);
    const nowMs = deps.nowMs();
    const done = pack.map((line, i) => doneLine(line, results[i]!, contexts.get(line.durable.batch.id)!, nowMs));
    const cursors = await deps.results.write(done);
    await deps.lines.free(pack.filter(({ durable: { batch } }) => batch.line <= (cursors.get(batch.id) ?? 0)));
  }
}

function doneLine(
  { jobId, durable, outcome }: OverLine,
  { result, asked }: LineResult,
  context: LineContext,
  nowMs: number,
): DoneLine {
  const { batch } = durable;
  const dialect = BATCH_DIALECTS[context.dialect];
  const line = { customId: batch.customId, jobId };
  const written = (ended: LineEnd, content: string): DoneLine => ({
    batchId: batch.id,
    line: batch.line,
    ended,
    content: onOneLine(content),
    inputTokens: countable(outcome.usage?.prompt),
    outputTokens: countable(outcome.usage?.completion),
  });
  const presentation = presentationOf(context.endpoint)!;
  if (outcome.state === 'completed' && result.length > 0) {
    const identity = { jobId, createdAtMs: durable.createdAtMs, model: durable.model };
    try {
      const answer =
        context.endpoint === '/v1/chat/completions' ? result : presentation.answer(result, bodyOf(asked), identity);
      return written('succeeded', dialect.succeeded(line, answer.toString()));
    } catch {
      // thrown on, it would come again for ever, and with it all that ended beside it in the group
      return written('errored', dialect.errored(line, UNREADABLE, presentation.error(UNREADABLE, jobId)));
    }
  }
  const ending = endingOf(outcome, context, nowMs);
  if (ending !== undefined) return written(ending, dialect.unrun(line, ending));
  const error: ApiError = outcome.error ?? LOST;
  return written('errored', dialect.errored(line, error, presentation.error(error, jobId)));
}

/** Empty: the answer does not depend on it. */
const bodyOf = (asked: Buffer): AskedBody => (asked.length === 0 ? {} : (JSON.parse(asked.toString()) as AskedBody));

/** It ended with its batch, and not by itself. */
function endingOf(
  { state, error }: Outcome,
  { status, expiresAtMs }: LineContext,
  nowMs: number,
): 'cancelled' | 'expired' | undefined {
  if (state === 'cancelled' && status === 'cancelling') return 'cancelled';
  const isTime = state === 'expired' || state === 'cancelled' || error?.code === 'deadline_exceeded';
  return isTime && nowMs >= expiresAtMs ? 'expired' : undefined;
}

const UNREADABLE: ApiError = {
  code: 'internal_error',
  message: "The provider's answer could not be written as this endpoint's.",
};
const LOST: ApiError = { code: 'internal_error', message: 'The answer was lost before it could be written.' };

/** Providers may say anything; of one line, so that the sum of a batch fits into PostgreSQL's bigint. */
const MOST_TOKENS = 1_000_000_000;
const countable = (tokens = 0): number => Math.min(Math.max(0, Math.round(tokens) || 0), MOST_TOKENS);

/** In valid JSON line breaks are only ever spaces between tokens; a NUL is in none, and the database would refuse it. */
const onOneLine = (json: string): string => (/[\r\n\0]/.test(json) ? json.replace(/[\r\n\0]+/g, ' ') : json);

function onceEach(over: readonly OverLine[]): OverLine[] {
  return [...new Map(over.map((line) => [line.jobId, line])).values()];
}
