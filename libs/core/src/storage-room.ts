/** New calls are refused above the one and taken again below the other: the rest is room for completions. */
const FULL = 0.9;
const ROOM = 0.85;

/** @param maxBytes 0: no limit is set */
export function isStorageFull(wasFull: boolean, usedBytes: number, maxBytes: number): boolean {
  return maxBytes > 0 && usedBytes / maxBytes > (wasFull ? ROOM : FULL);
}
