import type { ItemEnd, Say } from './say.js';

interface Call {
  item: Record<string, unknown> & { id: string; arguments: string };
  outputIndex: number;
}

/** Calls that the model makes, by their index in the chat answer. Their arguments come in turns. */
export class FunctionCalls {
  private readonly calls = new Map<number, Call>();

  constructor(
    private readonly suffix: string,
    private readonly items: Record<string, unknown>[],
    private readonly say: Say,
  ) {}

  add(index: number, delta: { callId: string | undefined; name: string | undefined; args: string | undefined }): void {
    const { item, outputIndex } = this.calls.get(index) ?? this.open(index, delta.callId, delta.name);
    if (delta.args === undefined || delta.args === '') return;
    item.arguments += delta.args;
    this.say('response.function_call_arguments.delta', {
      item_id: item.id,
      output_index: outputIndex,
      delta: delta.args,
    });
  }

  close(status: ItemEnd): void {
    for (const { item, outputIndex } of this.calls.values()) {
      item['status'] = status;
      this.say('response.function_call_arguments.done', {
        item_id: item.id,
        output_index: outputIndex,
        name: item['name'],
        arguments: item.arguments,
      });
      this.say('response.output_item.done', { output_index: outputIndex, item });
    }
    this.calls.clear();
  }

  /** Clients know calls by these ids and refuse two that are equal; a provider that gives none gets one made here. */
  private open(index: number, callId: string | undefined, name = ''): Call {
    const outputIndex = this.items.length;
    const id = `fc_${this.suffix}_${outputIndex}`;
    const isFree = callId !== undefined && callId !== '' && this.items.every((item) => item['call_id'] !== callId);
    const item = {
      id,
      type: 'function_call',
      call_id: isFree ? callId : `call_${this.suffix}_${outputIndex}`,
      name,
      arguments: '',
      status: 'in_progress',
    };
    this.items.push(item);
    this.say('response.output_item.added', { output_index: outputIndex, item });
    const call = { item, outputIndex };
    this.calls.set(index, call);
    return call;
  }
}
