import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { RESPONSES_PRESENTATION } from '../responses/responses-presentation.js';
import { frameHead, readFrame, type Frame, type FrameKind } from './frame.js';
import { JobEvents, lastSeqOf, type EventfulJob, type JobEnd } from './job-events.js';

const JOB_ID = `job_${'0'.repeat(32)}`;
const CHAT: EventfulJob = { jobId: JOB_ID, createdAtMs: 1_000, isDurable: true };
const RESPONSES: EventfulJob = {
  ...CHAT,
  newFold: () => RESPONSES_PRESENTATION.events({ model: 'm', input: 'x' }, { jobId: JOB_ID, createdAtMs: 1_000, model: 'm' }), // prettier-ignore
};
const sse = (text: string): string =>
  `data: ${JSON.stringify({ id: 'c', model: 'm', choices: [{ index: 0, delta: { content: text }, finish_reason: null }] })}\n\n`;
const FINISH = `data: ${JSON.stringify({ id: 'c', model: 'm', choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })}\n\ndata: [DONE]\n\n`;
const life = (type: string): string => `${JSON.stringify({ type, at_ms: 2_000, attempt: 1 })}\n`;

type Part = { kind: 'events' | 'life'; count: number } | { kind: 'reset' };

/** A stream as a job's runs leave it. */
function streamOf(parts: readonly Part[]): { frames: Frame[]; last: number } {
  const frames: Frame[] = [];
  let last = 0;
  for (const part of parts) {
    const count = part.kind === 'reset' ? 1 : part.count;
    const body = Array.from({ length: count }, (_, i) =>
      part.kind === 'events' ? sse(`${last + i};`) : life(part.kind === 'reset' ? 'job.output_reset' : 'job.queued'),
    ).join('');
    const isFirst = part.kind === 'events' && !frames.some(({ kind }) => kind === 'head');
    const kind: FrameKind = part.kind === 'events' ? (isFirst ? 'head' : 'events') : 'life';
    const head = frameHead(JOB_ID, kind, 1, last + 1, count, { attempt: 1, atMs: 3_000 });
    frames.push(readFrame(Buffer.from(head + (isFirst ? '{"deployment":"d"}\n' : '') + body))!);
    last += count;
  }
  return { frames, last };
}

interface Told {
  seq: number;
  type: string;
  job_id: string;
  at_ms: number;
  attempt?: number;
  chunk?: Record<string, unknown>;
}

/** Each event's id must be its seq. */
function told(text: string): Told[] {
  return text
    .split('\n\n')
    .filter((event) => event !== '')
    .map((event) => {
      const [, id, json] = /^id: (\d+)\ndata: (.*)$/.exec(event)!;
      const parsed = JSON.parse(json!) as Told;
      expect(parsed.seq).toBe(Number(id));
      return parsed;
    });
}

const END: JobEnd = { outcome: { state: 'completed' }, tail: FINISH, finishedAtMs: 9_000 };

/** What one reader is sent that begins after `after`. */
function read(job: EventfulJob, { frames, last }: { frames: Frame[]; last: number }, after: number, end = END): string {
  const events = new JobEvents(job, after);
  const needed = frames.filter(({ firstSeq, count }) => firstSeq + count > events.fromFrame);
  return events.open() + needed.map((frame) => events.frame(frame)).join('') + events.end(end, last);
}

const part: fc.Arbitrary<Part> = fc.oneof(
  fc.record({ kind: fc.constantFrom('events' as const, 'life' as const), count: fc.integer({ min: 1, max: 4 }) }),
  fc.constant({ kind: 'reset' as const }),
);

describe('JobEvents', () => {
  it('numbers how a job was taken in, what it did and how it ended from 1 on', () => {
    const stream = streamOf([
      { kind: 'life', count: 1 },
      { kind: 'events', count: 2 },
    ]);
    const all = told(read({ ...CHAT, notBeforeMs: 5_400 }, stream, 0));
    expect(all.map(({ seq, type }) => `${seq} ${type.slice(4)}`)).toEqual(['1 queued', '2 delayed', '3 queued', '4 output', '5 output', '6 output', '7 completed']); // prettier-ignore
    expect(all[1]).toMatchObject({ not_before: 6, reason: 'not_before', at_ms: 1_000 });
    expect(all[3]).toMatchObject({ attempt: 1, at_ms: 3_000, chunk: { choices: [{ delta: { content: '1;' } }] } });
    expect(all[6]).toEqual({
      seq: 7,
      job_id: JOB_ID,
      type: 'job.completed',
      at_ms: 9_000,
      usage: null,
      cost_usd: null,
    });
  });

  it.each([
    ['chat chunks', CHAT],
    ['events of another endpoint', RESPONSES],
    ['a call that was waited for', { ...CHAT, isDurable: false }],
  ])('tells every reader the same under the same numbers, wherever it begins: %s', (_, job) => {
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), fc.nat({ max: 60 }), (parts, after) => {
        const stream = streamOf(parts);
        const all = told(read(job, stream, 0));
        expect(all.map(({ seq }) => seq)).toEqual(all.map((_each, i) => i + 1));
        expect(told(read(job, stream, after))).toEqual(all.slice(after));
        expect(lastSeqOf(job, stream.last, { state: 'completed', tail: FINISH })).toBe(
          job.newFold === undefined ? all.length : undefined,
        );
      }),
    );
  });

  it('makes the events of an endpoint anew after a reset', () => {
    const stream = streamOf([{ kind: 'events', count: 1 }, { kind: 'reset' }, { kind: 'events', count: 1 }]);
    const types = told(read(RESPONSES, stream, 0)).map(({ type, chunk }) => chunk?.['type'] ?? type);
    expect(types.filter((type) => type === 'response.created')).toHaveLength(2);
    expect(types.at(-1)).toBe('job.completed');
  });

  it('tells the end alone when the stream is gone, under its number', () => {
    const whole = told(read(CHAT, streamOf([{ kind: 'events', count: 5 }]), 0));
    for (const after of [0, 3, 7]) {
      expect(told(new JobEvents(CHAT, after).end(END, 5, true))).toEqual(whole.slice(-1));
    }
    expect(new JobEvents(CHAT, 8).end(END, 5, true)).toBe('');
    expect(told(new JobEvents(RESPONSES, 4).end(END, 5, true))).toMatchObject([{ seq: 7, type: 'job.completed' }]);
    expect(told(new JobEvents(CHAT, 4).end(END, undefined))).toMatchObject([{}, { seq: 6, type: 'job.completed' }]);
  });

  it.each(['failed', 'expired'] as const)('says with which error a job %s', (state) => {
    const outcome = { state, error: { code: 'provider_error', message: 'It failed.' } } as const;
    const [, end] = told(read(CHAT, { frames: [], last: 0 }, 0, { outcome, finishedAtMs: 5 }));
    expect(end).toMatchObject({
      seq: 2,
      type: `job.${state}`,
      error: { code: 'provider_error', type: 'api_error', param: null, message: 'It failed.', job_id: JOB_ID },
    });
  });
});
