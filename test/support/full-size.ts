/** `npm run test:faults` plays each fault at the size of FAULTS.md 2; all other runs play the quick set. */
export const isFullSize = process.env['SLUICE_FAULTS'] === 'full';

export const sizeOf = (quick: number, full: number): number => (isFullSize ? full : quick);

/** What a test was played with and what came of it: the table of `npm run test:faults` has it. @param what of several in one row */
export function tell(row: string, figures: Readonly<Record<string, number | string>>, what = ''): void {
  process.stderr.write(`${row} ${what === '' ? '' : `${what} `}${JSON.stringify(figures)}\n`);
}
