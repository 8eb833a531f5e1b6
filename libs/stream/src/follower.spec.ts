import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { frameHead, readFrame, readPayload, type Frame, type FrameKind, type Outcome } from '@sluice/wire';
import fc from 'fast-check';
import { Follower, terminalFrame, type Looked } from './follower.js';

const JOB = `job_${'0'.repeat(32)}`;
const DONE = '{"state":"completed"}';

const frame = (firstSeq: number, count: number, kind: FrameKind = 'events'): Frame => {
  const events = Array.from({ length: count }, (_, i) => `${firstSeq + i};`).join('');
  return readFrame(Buffer.from(frameHead(JOB, kind, 1, firstSeq, count) + events))!;
};
const turn = (): Promise<void> => new Promise((done) => setImmediate(done));

/** A follower whose looks are answered by hand. */
function following() {
  const heard: Frame[] = [];
  const looks: { fromSeq: number; answer: (looked: Looked | undefined) => Promise<void>; fail: () => Promise<void> }[] = []; // prettier-ignore
  let left = 0;
  let isComplete = false;
  const look = (_: string, fromSeq: number): Promise<Looked | undefined> =>
    new Promise((resolve, reject) => {
      const answer = (looked: Looked | undefined): Promise<void> => (resolve(looked), turn());
      looks.push({ fromSeq, answer, fail: () => (reject(new Error('Redis is away')), turn()) });
    });
  const follower = new Follower(JOB, look, () => left++);
  const subscribe = (): void =>
    void follower.frames.subscribe({ next: (f) => heard.push(f), complete: () => (isComplete = true) });
  /** Events by their number, then how it ended. */
  const told = (): string => heard.map(({ kind, payload }) => (kind === 'terminal' ? stateOf(payload) : String(payload))).join(''); // prettier-ignore
  return { follower, looks, told, subscribe, end: () => ({ isComplete, left }) };
}

function stateOf(payload: Buffer): string {
  const { state, error } = readPayload<Outcome>(payload).line;
  return error?.code ?? state;
}

describe('Follower', () => {
  beforeEach(() => void jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] }));
  afterEach(() => void jest.useRealTimers());

  it('keeps what it hears until somebody listens', () => {
    const { follower, told, subscribe, end } = following();
    follower.hear(frame(1, 2));
    follower.hear(terminalFrame(JOB, 2, DONE, undefined));
    expect([told(), end().left]).toEqual(['', 1]); // left as soon as it is over, listened to or not
    subscribe();
    expect([told(), end()]).toEqual(['1;2;completed', { isComplete: true, left: 1 }]);
  });

  it('does not look because of what it has seen', () => {
    const { follower, looks, told, subscribe } = following();
    subscribe();
    for (const [firstSeq, count] of [[1, 2], [3, 1], [1, 2], [3, 1], [4, 1]] as const) follower.hear(frame(firstSeq, count)); // prettier-ignore
    expect([told(), looks.length]).toEqual(['1;2;3;4;', 0]);
  });

  it('looks once more when a gap shows while it looks: the last frame is not waited for', async () => {
    const { follower, looks, told, subscribe } = following();
    subscribe();
    follower.hear(frame(2, 1));
    follower.hear(terminalFrame(JOB, 2, DONE, undefined)); // the look had read before
    await looks[0]!.answer({ frames: [frame(1, 1), frame(2, 1)], terminal: undefined });
    expect([told(), looks.length, looks[1]!.fromSeq]).toEqual(['1;2;', 2, 3]);
    await looks[1]!.answer({ frames: [], terminal: terminalFrame(JOB, 2, DONE, undefined) });
    expect([told(), looks.length]).toEqual(['1;2;completed', 2]);
  });

  it('looks once more after a look that failed, and then waits to be asked', async () => {
    const { follower, looks } = following();
    follower.lookNow();
    follower.lookNow();
    follower.lookNow();
    await looks[0]!.fail();
    expect(looks.length).toBe(2);
    await looks[1]!.fail();
    expect(looks.length).toBe(2);
  });

  it('says that the data is lost after two looks without a record, four seconds apart', async () => {
    const { follower, looks, told, subscribe, end } = following();
    subscribe();
    follower.hear(frame(1, 1));
    for (const [afterMs, expected] of [
      [0, '1;'],
      [3_999, '1;'],
      [1, '1;storage_unavailable'],
    ] as const) {
      // prettier-ignore
      jest.advanceTimersByTime(afterMs);
      follower.lookNow();
      await looks.at(-1)!.answer(undefined);
      expect(told()).toBe(expected);
    }
    expect(end()).toEqual({ isComplete: true, left: 1 });
  });

  it('does not say so when there was a record, or a frame, in between', async () => {
    const { follower, looks, told, subscribe } = following();
    subscribe();
    const nothing: Looked = { frames: [], terminal: undefined };
    for (const looked of [undefined, nothing, undefined, undefined]) {
      jest.advanceTimersByTime(looked === undefined && looks.length === 3 ? 3_000 : 5_000);
      follower.lookNow();
      await looks.at(-1)!.answer(looked);
    }
    follower.hear(frame(1, 1));
    jest.advanceTimersByTime(5_000);
    follower.lookNow();
    await looks.at(-1)!.answer(undefined);
    expect(told()).toBe('1;');
  });

  it('says that events are lost when the job is over and its stream does not reach the end', async () => {
    const { follower, looks, told, subscribe, end } = following();
    subscribe();
    follower.hear(frame(1, 2));
    follower.hear(terminalFrame(JOB, 5, DONE, undefined));
    await looks[0]!.answer({ frames: [frame(4, 2)], terminal: terminalFrame(JOB, 5, DONE, undefined) });
    expect([told(), end()]).toEqual(['1;2;upstream_interrupted', { isComplete: true, left: 1 }]);
  });

  it('says nothing of a look that comes back after it was left', async () => {
    const { follower, looks, told, subscribe } = following();
    subscribe();
    follower.lookNow();
    follower.lookNow();
    follower.close();
    await looks[0]!.answer({ frames: [frame(1, 1)], terminal: terminalFrame(JOB, 1, DONE, undefined) });
    expect([told(), looks.length]).toEqual(['', 1]);
  });

  /** What can become of a frame that was kept in the stream and then published. */
  const fate = fc.record({
    count: fc.integer({ min: 1, max: 4 }),
    /** Copies that arrive, each after so many further steps; none: lost. */
    arrivesAfter: fc.array(fc.nat({ max: 6 }), { maxLength: 3 }),
    /** Before it is sent. */
    looks: fc.boolean(),
    /** Of a look under way, at that moment. Some steps answer it in the same step as they asked: fast; others later. */
    answers: fc.constantFrom('none', 'reply', 'reply', 'fail'),
    readsLate: fc.boolean(),
    subscribes: fc.boolean(),
  });

  it('hands on each event once, in order, and one terminal, whatever the channel does', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fate, { minLength: 1, maxLength: 12 }), fc.nat({ max: 6 }), async (fates, tail) => {
        const { follower, looks, told, subscribe, end } = following();
        const stream: Frame[] = [];
        const arrivals = new Map<number, Frame[]>();
        const read: (() => Looked)[] = []; // one for each look: what it saw when it read
        let terminal: Frame | undefined;
        let answered = 0;
        let isSubscribed = false;
        const seen = (fromSeq: number): Looked => ({
          frames: stream.filter(({ firstSeq }) => firstSeq >= fromSeq),
          terminal,
        });
        const notice = (): void => {
          for (const { fromSeq } of looks.slice(read.length)) {
            const atOnce = seen(fromSeq);
            const isLate = fates[read.length % fates.length]!.readsLate;
            read.push(() => (isLate ? seen(fromSeq) : atOnce));
          }
        };
        const answerOne = async (how: 'reply' | 'fail'): Promise<void> => {
          if (answered === looks.length) return;
          const asked = looks[answered]!;
          const looked = read[answered++]!();
          await (how === 'reply' ? asked.answer(looked) : asked.fail());
          notice();
        };
        const send = (sent: Frame, step: number, after: readonly number[]): void => {
          if (sent.kind === 'terminal') terminal = sent;
          else stream.push(sent);
          for (const steps of after) arrivals.set(step + steps, [...(arrivals.get(step + steps) ?? []), sent]);
        };

        let seq = 0;
        for (let step = 0; step <= fates.length + 8; step++) {
          const fate = fates[step];
          if (fate?.subscribes && !isSubscribed) {
            subscribe();
            isSubscribed = true;
          }
          if (fate?.looks) follower.lookNow();
          notice();
          if (fate !== undefined) {
            send(frame(seq + 1, fate.count), step, fate.arrivesAfter);
            seq += fate.count;
          } else if (step === fates.length)
            send(terminalFrame(JOB, seq, DONE, undefined), step, tail > 3 ? [] : [tail]);
          for (const arrived of arrivals.get(step) ?? []) follower.hear(arrived);
          notice();
          if (fate !== undefined && fate.answers !== 'none') await answerOne(fate.answers);
        }
        if (!isSubscribed) subscribe();
        while (answered < looks.length) await answerOne('reply');
        follower.lookNow(); // as the patrol does after a silence
        notice();
        while (answered < looks.length) await answerOne('reply');

        const all = Array.from({ length: seq }, (_, i) => `${i + 1};`).join('');
        expect(told()).toBe(`${all}completed`);
        expect(end()).toEqual({ isComplete: true, left: 1 });
        expect(looks.length).toBeLessThanOrEqual(fates.length * 5 + 3); // a gap is one look, not a loop of them
      }),
      { numRuns: 300 },
    );
  });
});
