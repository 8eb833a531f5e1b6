import type { Deployment } from '@sluice/core';
import type { Adapter, Answer, Call, StreamEvent, StreamReader } from './adapter.js';
import { malformed } from './classify-failure.js';
import { recordOf } from './provider-error.js';
import type { HeaderMap } from './retry-hint.js';

const OPEN_OBJECT = 0x7b;
const OPEN_ARRAY = 0x5b;
const LESS_THAN = 0x3c;
const MAX_JSON_BYTES = 32 * 1024 * 1024;

/**
 * What a reply to a call with `stream` really is: its first byte says it, since content types lie. JSON is an error, or an
 * answer to replay as chunks; HTML and nothing are malformed; all else goes to the format's own reader. Source: WIRE.md 2.
 */
export class SniffedStream implements StreamReader {
  private reader: StreamReader | undefined;
  private json: Buffer[] | undefined;
  private jsonBytes = 0;
  private isOver = false;

  constructor(
    private readonly adapter: Adapter,
    private readonly call: Call,
    private readonly deployment: Deployment,
    private readonly headers: HeaderMap,
    private readonly nowMs: number,
  ) {}

  push(bytes: Uint8Array): StreamEvent[] {
    if (this.isOver) return [];
    try {
      return this.reader === undefined ? this.sniff(bytes) : this.reader.push(bytes);
    } catch {
      return this.unreadable();
    }
  }

  private sniff(bytes: Uint8Array): StreamEvent[] {
    if (this.json !== undefined) return this.collect(bytes);
    let i = 0;
    while (i < bytes.length && isSpaceOrBom(bytes[i])) i++;
    if (i === bytes.length) return [];
    const first = bytes[i];
    if (first === OPEN_OBJECT || first === OPEN_ARRAY) {
      this.json = [];
      return this.collect(bytes.subarray(i));
    }
    if (first === LESS_THAN) return this.over(malformed('The provider answered with HTML', this.headers));
    this.reader = this.adapter.stream(this.call, this.deployment, this.headers, this.nowMs);
    return this.reader.push(bytes.subarray(i));
  }

  end(): StreamEvent[] {
    if (this.isOver) return [];
    try {
      return this.reader === undefined ? this.replay() : this.reader.end();
    } catch {
      return this.unreadable();
    }
  }

  private replay(): StreamEvent[] {
    if (this.json === undefined) return this.over(malformed('The provider answered with nothing', this.headers));
    const reply = { status: 200, headers: this.headers, body: Buffer.concat(this.json) };
    // Whatever the client's dialect: its events are made of chunks too.
    const call = this.call.own?.endpoint === '/v1/messages' ? { ...this.call, inChat: true } : this.call;
    const answer = this.adapter.answer(reply, call, this.deployment, this.nowMs);
    if (answer.kind === 'failure') return this.over(answer);
    const events = eventsOfAnswer(answer, call);
    this.isOver = true;
    return events;
  }

  /** Readers do not throw on what they foresee; JSON nested past the stack's depth is what they do not. */
  private unreadable(): StreamEvent[] {
    return this.over(malformed('The reply could not be read', this.headers));
  }

  private collect(bytes: Uint8Array): StreamEvent[] {
    this.jsonBytes += bytes.length;
    if (this.jsonBytes > MAX_JSON_BYTES) return this.over(malformed('The reply is longer than 32 MiB', this.headers));
    this.json?.push(Buffer.from(bytes));
    return [];
  }

  private over(failed: ReturnType<typeof malformed>): StreamEvent[] {
    this.isOver = true;
    this.json = undefined;
    return [failed];
  }
}

/** Spaces, and the three bytes of a BOM: none of them begins a body. */
const isSpaceOrBom = (byte: number | undefined): boolean =>
  byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09 || byte === 0xef || byte === 0xbb || byte === 0xbf;

/** A complete answer as the stream it should have been: for each choice its content, then its finish. */
export function eventsOfAnswer(answer: Answer, call: Call): StreamEvent[] {
  const body = recordOf(JSON.parse(answer.text)) ?? {};
  const choices = Array.isArray(body['choices']) ? body['choices'] : [];
  const wantsUsage = recordOf(call.body['stream_options'])?.['include_usage'] === true;
  const chunk = (choice: Record<string, unknown>): string =>
    JSON.stringify({
      id: call.id,
      object: 'chat.completion.chunk',
      created: call.createdAt,
      model: call.model,
      choices: [choice],
      ...(wantsUsage ? { usage: null } : {}),
    });
  const events: StreamEvent[] = [];
  for (const [position, each] of choices.entries()) {
    const { message, text, finish_reason: finish, ...rest } = recordOf(each) ?? {};
    const { role: _role, ...delta } = recordOf(message) ?? { content: text }; // of a completion
    if (Array.isArray(delta['tool_calls'])) {
      delta['tool_calls'] = delta['tool_calls'].map((call, index) => ({ index, ...recordOf(call) }));
    }
    const finishes = answer.finishes[position] === undefined ? [] : [answer.finishes[position]];
    events.push(
      {
        kind: 'chunk',
        text: chunk({ ...rest, delta, finish_reason: null }),
        hasContent: true,
        contentChars: JSON.stringify(delta).length,
        finishes: [],
      },
      {
        kind: 'chunk',
        text: chunk({ index: rest['index'] ?? position, delta: {}, finish_reason: finish }),
        hasContent: false,
        contentChars: 0,
        finishes,
      },
    );
  }
  if (answer.usage !== undefined) events.push({ kind: 'usage', usage: answer.usage });
  events.push({ kind: 'end' });
  return events;
}
