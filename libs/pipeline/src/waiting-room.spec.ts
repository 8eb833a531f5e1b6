import { describe, expect, it } from '@jest/globals';
import { WaitingRoom } from './waiting-room.js';

const LONG_MS = 60_000;

/** Names of those whose wait is over, in that order. */
function waiters(room: WaitingRoom) {
  const over: string[] = [];
  const stops: AbortController[] = [];
  const wait = (name: string, what: 'return' | 'slot', group = 'g', ms = LONG_MS): AbortController => {
    const stop = new AbortController();
    stops.push(stop);
    void room.wait(group, what, ms, stop.signal).then(() => over.push(name));
    return stop;
  };
  return { over, wait, stopAll: () => stops.forEach((stop) => stop.abort()) };
}
const turn = (): Promise<void> => new Promise((done) => setImmediate(done));

describe('WaitingRoom', () => {
  it('calls those who wait for a slot of the group one by one, first come first called', async () => {
    const room = new WaitingRoom();
    const { over, wait, stopAll } = waiters(room);
    wait('a', 'slot');
    wait('other', 'slot', 'h');
    wait('b', 'slot');
    wait('return', 'return');
    for (const expected of [['a'], ['a', 'b'], ['a', 'b']]) {
      room.slotFree('g');
      await turn();
      expect(over).toEqual(expected);
    }
    stopAll();
  });

  it('ends a wait by its time, or when its run is stopped', async () => {
    const room = new WaitingRoom();
    const { over, wait } = waiters(room);
    wait('stopped', 'slot').abort();
    await turn();
    expect(over).toEqual(['stopped']);
    await room.wait('g', 'return', 5, new AbortController().signal);
    const isOver = new AbortController();
    isOver.abort();
    await room.wait('g', 'slot', LONG_MS, isOver.signal);
    room.slotFree('g'); // nobody is left to be called
    expect(room.hasPlace('g', 'slot')).toBe(true);
  });

  it.each([
    ['return', 4],
    ['slot', 50],
  ] as const)('has place for a few that wait for a %s', async (what, most) => {
    const room = new WaitingRoom();
    const { wait, stopAll } = waiters(room);
    for (let i = 0; i < most; i++) {
      expect(room.hasPlace('g', what)).toBe(true);
      wait(`${i}`, what);
    }
    expect(room.hasPlace('g', what)).toBe(false);
    expect(room.hasPlace('other', what)).toBe(true);
    stopAll();
    await turn();
    expect(room.hasPlace('g', what)).toBe(true);
  });
});
