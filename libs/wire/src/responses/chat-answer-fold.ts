import type { AnswerIdentity } from '../endpoints/presentation.js';
import { recordOf, stringOf } from '../record-of.js';
import { OutputItems } from './output-items.js';
import { responseUsage, type ResponseState } from './response-object.js';
import type { Say } from './say.js';

/** A chat answer, in pieces or whole, on its way to becoming a response. */
export class ChatAnswerFold {
  private readonly output: OutputItems;
  private model: string | undefined;
  private finish: string | undefined;
  private usage: Record<string, unknown> | null = null;

  constructor({ jobId }: AnswerIdentity, say: Say) {
    this.output = new OutputItems(jobId.slice(4), say);
  }

  /** @param chunk a `chat.completion.chunk`, or a whole `chat.completion` */
  add(chunk: Readonly<Record<string, unknown>>): void {
    this.model ??= stringOf(chunk['model']);
    this.usage = responseUsage(chunk['usage']) ?? this.usage;
    if (!Array.isArray(chunk['choices'])) return;
    for (const each of chunk['choices']) {
      const choice = recordOf(each);
      if (choice === undefined || (choice['index'] ?? 0) !== 0) continue;
      const delta = recordOf(choice['delta'] ?? choice['message']);
      if (delta !== undefined) this.output.add(delta, choice['logprobs']);
      this.finish = stringOf(choice['finish_reason']) ?? this.finish;
    }
  }

  /** The whole answer is there: closes what is open. */
  complete(): ResponseState {
    const incomplete = incompleteReason(this.finish);
    this.output.finish(incomplete === undefined ? 'completed' : 'incomplete');
    const { model, usage } = this;
    const status = incomplete === undefined ? 'completed' : 'incomplete';
    return { status, output: this.output.items, model, usage, incomplete };
  }

  /** It broke off. */
  breakOff(): Pick<ResponseState, 'output' | 'model' | 'usage'> {
    this.output.breakOff();
    return { output: this.output.items, model: this.model, usage: this.usage };
  }
}

/** @param finish a chat choice's `finish_reason` */
function incompleteReason(finish: string | undefined): ResponseState['incomplete'] {
  if (finish === 'length') return 'max_output_tokens';
  return finish === 'content_filter' ? finish : undefined;
}
