/** `npm run test:faults` plays each fault at the size of FAULTS.md 2; all other runs play the quick set. */
export const isFullSize = process.env['SLUICE_FAULTS'] === 'full';

export const sizeOf = (quick: number, full: number): number => (isFullSize ? full : quick);
