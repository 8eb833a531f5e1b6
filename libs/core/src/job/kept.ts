/** What is kept after a job's end, ms. */
export interface Kept {
  resultMs: number;
  /** The request; 0: gone with the end. */
  requestMs: number;
  /** The request of a job that failed or expired. */
  deadLetterMs: number;
}

/** As the record has it. */
export const keptText = ({ resultMs, requestMs, deadLetterMs }: Kept): string =>
  `${resultMs} ${requestMs} ${deadLetterMs}`;
