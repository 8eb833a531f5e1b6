import { describe, expect, it } from '@jest/globals';
import { SlotBook } from './slot-book.js';

const SLOTS = 4;
const book = (): SlotBook => new SlotBook(SLOTS, () => ['slow', 'quick']);
const refused = (slots: SlotBook): string[] => slots.refusals('g').map(({ deploymentId }) => deploymentId);

describe('SlotBook', () => {
  it('keeps a slot for the other deployment, until one is given back', () => {
    const slots = book();
    for (const lease of ['1', '2', '3']) expect(slots.take('g', 'slow', lease)).toBe(true);
    expect(slots.take('g', 'slow', '4')).toBe(false);
    slots.giveBack('1');
    slots.giveBack('1');
    expect(slots.take('g', 'slow', '4')).toBe(true);
    expect(refused(slots)).toEqual(['slow']);
  });

  it('counts a hedge that goes on after the first was closed', () => {
    const slots = book();
    for (const lease of ['1', '2', '3']) {
      slots.take('g', 'quick', lease);
      slots.hold('g', 'slow', `${lease}h`);
      slots.giveBack(lease); // the loser
    }
    expect(refused(slots)).toContain('slow');
    for (const lease of ['1', '2', '3']) slots.giveBack(`${lease}h`);
    expect(refused(slots)).toEqual([]);
  });
});
