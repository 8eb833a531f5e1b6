import {
  changeMembers,
  changeMembersAt,
  filterElements,
  valueAt,
  type Change,
  type Changes,
  type Deployment,
} from '@sluice/core';
import type { Call, Finish, Usage } from '../adapter.js';
import { failureInBand } from '../classify-failure.js';
import { recordOf } from '../provider-error.js';
import type { HeaderMap } from '../retry-hint.js';
import { EventStream } from '../event-stream.js';
import { ownCallFor } from '../own-dialect.js';
import { openaiUsage } from '../usage.js';
import { isError } from './chat-answer.js';
import { completionIdOf } from './completion-id.js';
import { contentCharsOf } from './content-of.js';
import { finishOf, isKnownReason } from './finish-reason.js';
import { oddContentChanges } from './odd-content.js';

type Json = Record<string, unknown>;

/**
 * Reads chat completion chunks and passes them on as text. Each is parsed once to be judged; as long as a chunk begins with
 * the same id, created and model as the one before, its text is the new head and the rest of the old bytes.
 */
export class OpenaiStreamReader extends EventStream {
  private readonly wantsUsage: boolean;
  /** Its chunks have texts where a chat's have deltas. */
  private readonly isCompletion: boolean;
  private knownHead = '';
  private newHead = '';
  private headId: unknown;
  private headCreated: unknown;
  private headModel: unknown;

  constructor(
    private readonly call: Call,
    deployment: Deployment,
    private readonly headers: HeaderMap,
    private readonly nowMs: number,
  ) {
    const n = call.body['n'] ?? deployment.target.defaults['n'];
    super(call, typeof n === 'number' ? n : 1);
    this.isCompletion = ownCallFor(call, deployment)?.endpoint === '/v1/completions';
    this.wantsUsage = recordOf(call.body['stream_options'])?.['include_usage'] === true;
  }

  protected read(data: string, event: string | undefined): void {
    if (data === '[DONE]' || data.trim() === '[DONE]') {
      this.outcome.done(this.out);
      return;
    }
    let chunk: Json | undefined;
    try {
      chunk = recordOf(JSON.parse(data));
    } catch {
      // Told below: an `event: error` may carry bare text.
    }
    if (event === 'error' || (chunk !== undefined && isError(chunk))) {
      this.fail(failureInBand(chunk ?? data, this.headers, this.nowMs));
      return;
    }
    if (chunk === undefined) {
      this.fail({ kind: 'malformed', message: 'A data line of the stream is not a JSON object' });
      return;
    }
    const usage = openaiUsage(chunk['usage']) ?? openaiUsage(recordOf(chunk['x_groq'])?.['usage']);
    if (usage !== undefined) this.outcome.usage = usage;
    const { choices } = chunk;
    if (!Array.isArray(choices)) return;
    this.readChoices(data, chunk, choices, usage);
  }

  private readChoices(data: string, chunk: Json, choices: unknown[], usage: Usage | undefined): void {
    let isWorthPassing = choices.length === 0 && usage === undefined;
    let hasContent = false;
    let contentChars = 0;
    let over: Set<number> | undefined;
    const finishes: Finish[] = [];
    let edits: ((text: string) => string)[] | undefined;
    for (let position = 0; position < choices.length; position++) {
      const choice = recordOf(choices[position]);
      if (choice === undefined) continue;
      const index = typeof choice['index'] === 'number' ? choice['index'] : position;
      if (this.outcome.hasFinished(index)) {
        (over ??= new Set()).add(position);
        continue;
      }
      const native = choice['finish_reason'];
      if (native === 'error' || recordOf(choice['error']) !== undefined) {
        this.fail(failureInBand(choice, this.headers, this.nowMs));
        return;
      }
      const delta = this.isCompletion ? { content: choice['text'] } : recordOf(choice['delta']);
      const size = delta === undefined ? -1 : contentCharsOf(delta);
      if (delta !== undefined && 'role' in delta && delta['role'] !== undefined)
        (edits ??= []).push((text) => changeMembersAt(text, ['choices', position, 'delta'], WITHOUT_ROLE));
      if (size >= 0) {
        hasContent = true;
        contentChars += size;
        isWorthPassing = true;
        const odd = delta === undefined || this.isCompletion ? undefined : oddContentChanges(delta);
        if (odd !== undefined)
          (edits ??= []).push((text) => changeMembersAt(text, ['choices', position, 'delta'], odd));
      }
      if (typeof native === 'string' && native !== '') {
        finishes.push(finishOf(index, native));
        isWorthPassing = true;
        if (!isKnownReason(native)) {
          const stop = new Map([['finish_reason', { value: '"stop"' }]]);
          (edits ??= []).push((text) => changeMembersAt(text, ['choices', position], stop));
        }
      } else {
        this.outcome.sawChoice(index);
        isWorthPassing ||= saysMoreThanDelta(choice);
      }
    }
    if (!isWorthPassing) return;
    let source = data.includes('\n') ? data.replaceAll('\n', ' ') : data;
    for (const edit of edits ?? []) source = edit(source);
    if (over !== undefined) source = withoutChoices(source, over);
    const text = this.withOurHead(source, chunk);
    this.outcome.chunk({ kind: 'chunk', text, hasContent, contentChars, finishes }, this.out);
  }

  private withOurHead(text: string, chunk: Json): string {
    if (
      this.knownHead !== '' &&
      text.startsWith(this.knownHead) &&
      chunk['id'] === this.headId &&
      chunk['created'] === this.headCreated &&
      chunk['model'] === this.headModel
    ) {
      return this.withoutUsage(this.newHead + text.slice(this.knownHead.length), chunk);
    }
    const changes = new Map<string, Change>([
      ['id', { value: JSON.stringify(this.isCompletion ? completionIdOf(this.call) : this.call.id) }],
      ['created', { value: String(this.call.createdAt) }],
      ['model', { value: JSON.stringify(this.call.model) }],
    ]);
    const object = this.isCompletion ? 'text_completion' : 'chat.completion.chunk';
    if (chunk['object'] !== object) changes.set('object', { value: JSON.stringify(object) });
    const changed = changeMembers(text, changes);
    this.learnHead(text, changed, chunk);
    return this.withoutUsage(changed, chunk);
  }

  /** The head ends where the choices begin; it is only of use when all that changes stands before them. */
  private learnHead(text: string, changed: string, chunk: Json): void {
    this.knownHead = '';
    if (chunk['object'] !== 'chat.completion.chunk') return;
    const before = text.indexOf('"choices":');
    const after = changed.indexOf('"choices":');
    if (before === -1 || text.slice(before) !== changed.slice(after)) return;
    this.knownHead = text.slice(0, before);
    this.newHead = changed.slice(0, after);
    ({ id: this.headId, created: this.headCreated, model: this.headModel } = chunk);
  }

  /** Usage goes its own way. `usage: null` stays for callers that asked for usage: OpenAI writes it in every chunk. */
  private withoutUsage(text: string, chunk: Json): string {
    const { usage } = chunk;
    if (usage === undefined || (usage === null && this.wantsUsage)) return text;
    if (usage === null) {
      // A raw `,"usage":null` can only be a member: inside a string its quotes are escaped. Once means: the one at the top.
      const at = text.indexOf(NULL_USAGE);
      if (at !== -1 && text.indexOf(NULL_USAGE, at + 1) === -1)
        return text.slice(0, at) + text.slice(at + NULL_USAGE.length);
    }
    return changeMembers(text, new Map<string, Change>([['usage', this.wantsUsage ? { value: 'null' } : 'remove']]));
  }
}

/** The runner writes the one role that callers see. */
const WITHOUT_ROLE: Changes = new Map([['role', 'remove']]);
const NULL_USAGE = ',"usage":null';

/** Azure's filter results and the like, in a choice whose delta is empty. */
function saysMoreThanDelta(choice: Json): boolean {
  for (const name of ['content_filter_results', 'content_filter_result', 'logprobs'] as const) {
    const value = recordOf(choice[name]);
    if (value !== undefined && Object.keys(value).length > 0) return true;
  }
  return false;
}

function withoutChoices(text: string, positions: ReadonlySet<number>): string {
  const at = valueAt(text, ['choices']);
  return at === undefined ? text : filterElements(text, at, (index) => !positions.has(index));
}
