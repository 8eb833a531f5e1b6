/** The most of these moments that any stretch of `ms` holds. */
export function mostIn(ms: number, moments: readonly number[]): number {
  const sorted = moments.toSorted((a, b) => a - b);
  let most = 0;
  let first = 0;
  for (const [last, at] of sorted.entries()) {
    while (sorted[first]! <= at - ms) first++;
    most = Math.max(most, last - first + 1);
  }
  return most;
}
