import type { BatchStatus } from '@sluice/core';
import type { BatchDialectName, Endpoint, LineEnd } from '@sluice/wire';
import { and, between, eq, gt, inArray, sql } from 'drizzle-orm';
import type { LazyDatabase } from '../lazy-database.js';
import { batches, batchLines } from './schema.js';

export interface DoneLine {
  batchId: string;
  line: number;
  ended: LineEnd;
  /** JSON without line breaks. */
  content: string;
  inputTokens: number;
  outputTokens: number;
}

/** What must be known of a batch to write a line of it. */
export interface LineContext {
  dialect: BatchDialectName;
  endpoint: Endpoint;
  status: BatchStatus;
  expiresAtMs: number;
}

/** Results of lines, each once, from when they are done until they stand in a file. */
export class BatchResults {
  constructor(private readonly database: LazyDatabase) {}

  async contexts(batchIds: readonly string[]): Promise<Map<string, LineContext>> {
    const { id, dialect, endpoint, status, expiresAtMs } = batches;
    const rows = await this.database.use((db) =>
      db
        .select({ id, dialect, endpoint, status, expiresAtMs })
        .from(batches)
        .where(inArray(id, [...batchIds])),
    );
    return new Map(rows.map(({ id: batchId, ...context }) => [batchId, context]));
  }

  /**
   * Writes lines that are not there yet, and counts those: one statement, so that no crash parts the two, and safe to
   * repeat. Contents travel as one text, whose line breaks are none of theirs: an array of JSON texts would have every quote escaped.
   * @returns each batch's cursor, read under the lock that the count takes: a driver that moves it later finds the lines
   */
  async write(lines: readonly DoneLine[]): Promise<Map<string, number>> {
    const column = <Key extends keyof DoneLine>(key: Key): unknown => sql.param(lines.map((line) => line[key]));
    const contents = lines.map(({ content }) => content).join('\n');
    const { rows } = await this.database.use((db) =>
      db.execute<{ id: string; cursor_line: number }>(sql`
        with given as (
          select * from unnest(
            ${column('batchId')}::text[], ${column('line')}::int[], ${column('ended')}::text[],
            string_to_array(${contents}::text, e'\\n'),
            ${column('inputTokens')}::bigint[], ${column('outputTokens')}::bigint[]
          ) as given (batch_id, line, ended, content, input_tokens, output_tokens)
        ), added as (
          insert into sluice.batch_lines (batch_id, line, ended, content)
          select given.batch_id, given.line, given.ended, given.content
          from given join sluice.batches on batches.id = given.batch_id and batches.ended_at_ms is null
          on conflict do nothing
          returning batch_id, line
        ), counted as (
          select batch_id,
            count(*) filter (where added.line is not null and ended = 'succeeded') as succeeded,
            count(*) filter (where added.line is not null and ended = 'errored') as errored,
            count(*) filter (where added.line is not null and ended = 'cancelled') as cancelled,
            count(*) filter (where added.line is not null and ended = 'expired') as expired,
            coalesce(sum(input_tokens) filter (where added.line is not null), 0) as input_tokens,
            coalesce(sum(output_tokens) filter (where added.line is not null), 0) as output_tokens
          from given left join added using (batch_id, line)
          group by batch_id
        )
        update sluice.batches set
          succeeded = batches.succeeded + counted.succeeded, errored = batches.errored + counted.errored,
          cancelled = batches.cancelled + counted.cancelled, expired = batches.expired + counted.expired,
          input_tokens = batches.input_tokens + counted.input_tokens,
          output_tokens = batches.output_tokens + counted.output_tokens
        from counted where batches.id = counted.batch_id
        returning batches.id, batches.cursor_line`),
    );
    return new Map(rows.map(({ id, cursor_line: cursor }) => [id, cursor]));
  }

  /** Numbers of the lines that are done, in order. */
  async doneLines(batchId: string): Promise<Int32Array> {
    const { rows } = await this.database.use((db) =>
      db.execute<{ lines: number[] | null }>(
        sql`select array_agg(line order by line) as lines from sluice.batch_lines where batch_id = ${batchId}`,
      ),
    );
    return Int32Array.from(rows[0]!.lines ?? []);
  }

  async doneBetween(batchId: string, first: number, last: number): Promise<number[]> {
    const rows = await this.database.use((db) =>
      db
        .select({ line: batchLines.line })
        .from(batchLines)
        .where(and(eq(batchLines.batchId, batchId), between(batchLines.line, first, last))),
    );
    return rows.map(({ line }) => line);
  }

  /** The next ones by line. */
  page(
    batchId: string,
    { ends, afterLine, limit }: { ends: readonly LineEnd[]; afterLine: number; limit: number },
  ): Promise<{ line: number; content: string }[]> {
    return this.database.use((db) =>
      db
        .select({ line: batchLines.line, content: batchLines.content })
        .from(batchLines)
        .where(
          and(eq(batchLines.batchId, batchId), inArray(batchLines.ended, [...ends]), gt(batchLines.line, afterLine)),
        )
        .orderBy(batchLines.line)
        .limit(limit),
    );
  }
}
