import type { Draw } from './simple-shuffle.js';

/**
 * Rendezvous hashing: a session draws the same number for the same deployment each time, so that a weighted shuffle puts its
 * deployments into the same order, in every worker and without a place where that is written down. When one is out its
 * sessions spread over the others, and come back with it; nobody else's move.
 * @param stickTo hexadecimal, well mixed: the beginning of a hash
 */
export function stickyDraw(stickTo: string): Draw {
  const session = Number.parseInt(stickTo.slice(0, 8), 16);
  return ({ id }) => {
    let hash = 0x811c9dc5; // FNV-1a
    for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193);
    return mixed(hash ^ session) / 0x1_0000_0000;
  };
}

/** murmur3's last step: ids that differ in one letter draw as if they had nothing in common. */
function mixed(hash: number): number {
  let h = hash;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
