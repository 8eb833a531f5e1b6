import { setTimeout as pause } from 'node:timers/promises';
import type { Mock } from '@sluice/core';
import type { Answer, Call, FailedAttempt, StreamEvent, StreamReader } from './adapter.js';
import { openaiAnswer } from './openai/chat-answer.js';

const FINISH = 'stop';

/** Waits as long as the mock says; undefined when it then answers. */
export async function mockFailure(
  mock: Mock,
  signal: AbortSignal,
  totalMs: number,
): Promise<FailedAttempt | undefined> {
  if (mock.delayMs > 0) await pause(Math.min(mock.delayMs, totalMs), undefined, { signal }).catch(() => undefined);
  if (signal.aborted) return failed({ kind: 'cancelled', message: 'The call was cancelled' });
  if (mock.delayMs >= totalMs)
    return failed({ kind: 'timeout', message: 'The mock did not answer in time', phase: 'total' });
  return 'fails' in mock ? failed({ kind: mock.fails, message: 'The mock was told to fail' }) : undefined;
}

/** The text as a provider's whole answer: it goes through the same reader. */
export function mockAnswer(call: Call, text: string, nowMs: number): Answer | FailedAttempt {
  const choices = choicesOf(call).map((index) => ({
    index,
    message: { role: 'assistant', content: text },
    finish_reason: FINISH,
  }));
  const body = Buffer.from(JSON.stringify({ object: 'chat.completion', choices }));
  return openaiAnswer({ status: 200, headers: {}, body }, call, nowMs);
}

/** The same as a stream, in words. */
export function mockEvents(call: Call, text: string, reader: StreamReader): StreamEvent[] {
  const events: StreamEvent[] = [];
  const push = (choices: unknown): void => {
    events.push(
      ...reader.push(Buffer.from(`data: ${JSON.stringify({ object: 'chat.completion.chunk', choices })}\n\n`)),
    );
  };
  for (const index of choicesOf(call)) {
    for (const content of text.match(/\s*\S+\s*$|\s*\S+|\s+$/g) ?? [])
      push([{ index, delta: { content }, finish_reason: null }]);
    push([{ index, delta: {}, finish_reason: FINISH }]);
  }
  events.push(...reader.end());
  return events;
}

const choicesOf = ({ body }: Call): number[] =>
  Array.from({ length: typeof body['n'] === 'number' ? body['n'] : 1 }, (_, i) => i);

const failed = (failure: FailedAttempt['failure']): FailedAttempt => ({ kind: 'failure', failure });
