import { MASTER_KEY } from './sluice.js';

export interface SeenEvent {
  seq: number;
  job_id: string;
  type: string;
  at_ms: number;
  attempt?: number;
  deployment?: string;
  chunk?: { type?: string; choices?: { delta: { content?: string }; finish_reason: string | null }[] };
  error?: { code: string; kind?: string; message: string };
  usage?: unknown;
  not_before?: number;
  reason?: string;
}

/** One reader of a job's events, over one connection. What it has read is in `events`, also when it was cut off. */
export class EventReader {
  readonly events: SeenEvent[] = [];
  /** Lines that are neither an event's nor blank. */
  readonly comments: string[] = [];
  headers = new Headers();
  status = 0;
  /** From the request to the first byte of the body, ms. */
  firstByteMs = 0;
  readonly ended: Promise<'ended' | 'cut'>;
  private id = '';
  private readonly abort = new AbortController();

  /** @param after sent as `starting_after`; a string: as `Last-Event-ID` */
  constructor(
    url: string,
    jobId: string,
    after: number | string = 0,
    private readonly onEvent: (event: SeenEvent, reader: EventReader) => void = () => undefined,
  ) {
    this.ended = this.read(`${url}/v1/jobs/${jobId}/events`, after);
  }

  get lastSeq(): number {
    return this.events.at(-1)?.seq ?? 0;
  }

  /** Leaves, as a client that loses its network. */
  drop(): void {
    this.abort.abort();
  }

  private async read(url: string, after: number | string): Promise<'ended' | 'cut'> {
    const startedAt = performance.now();
    const query = typeof after === 'number' && after > 0 ? `?starting_after=${after}` : '';
    try {
      const response = await fetch(url + query, {
        headers: {
          authorization: `Bearer ${MASTER_KEY}`,
          ...(typeof after === 'string' ? { 'last-event-id': after } : {}),
        },
        signal: this.abort.signal,
      });
      this.status = response.status;
      this.headers = response.headers;
      if (response.status !== 200) return 'ended';
      let held = '';
      const decoder = new TextDecoder();
      for await (const bytes of response.body!) {
        this.firstByteMs ||= performance.now() - startedAt;
        held += decoder.decode(bytes as Uint8Array, { stream: true });
        const end = held.lastIndexOf('\n') + 1;
        for (const line of held.slice(0, end).split('\n')) this.take(line);
        held = held.slice(end);
      }
      return 'ended';
    } catch {
      return 'cut';
    }
  }

  private take(line: string): void {
    if (line === '' || this.abort.signal.aborted) return;
    if (line.startsWith('id: ')) this.id = line.slice(4);
    else if (line.startsWith('data: ')) {
      const event = JSON.parse(line.slice(6)) as SeenEvent;
      if (String(event.seq) !== this.id) throw new Error(`event ${event.seq} has id ${this.id}`);
      this.events.push(event);
      this.onEvent(event, this);
    } else this.comments.push(line);
  }
}

/** All events of a job after one of them, to the last. */
export async function eventsOf(url: string, jobId: string, after: number | string = 0): Promise<SeenEvent[]> {
  const reader = new EventReader(url, jobId, after);
  const how = await reader.ended;
  if (how === 'cut' || reader.status !== 200) throw new Error(`the events of ${jobId} were ${how} (${reader.status})`);
  return reader.events;
}

/** Text of the answer as its events gave it; a reset takes back what was before. */
export function textOf(events: readonly SeenEvent[]): string {
  let text = '';
  for (const { type, chunk } of events) {
    if (type === 'job.output_reset') text = '';
    text += chunk?.choices?.[0]?.delta.content ?? '';
  }
  return text;
}

/** Types without their prefix; a row of output is one. */
export function typesOf(events: readonly SeenEvent[]): string[] {
  return events.map(({ type }) => type.slice(4)).filter((type, i, all) => type !== 'output' || all[i - 1] !== 'output');
}

export const seqsOf = (events: readonly SeenEvent[]): number[] => events.map(({ seq }) => seq);
