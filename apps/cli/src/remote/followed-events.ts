import { setTimeout as pause } from 'node:timers/promises';
import { createParser } from 'eventsource-parser';
import { CommandError, type Server } from './server.js';

export interface TailedEvent {
  seq: number;
  type: string;
  [member: string]: unknown;
}

const OVER = ['job.completed', 'job.failed', 'job.cancelled', 'job.expired'];
/** The replica that we read from is being replaced: another one goes on where it stopped. */
const PATIENCE_MS = 60_000;
const LOOK_EVERY_MS = 500;

/** What happens to a job, as it happens, whichever replica tells it. */
export class FollowedEvents {
  constructor(
    private readonly server: Server,
    private readonly jobId: string,
    private after: number | undefined,
  ) {}

  /**
   * @param signal ends it, without a word
   * @throws CommandError when it cannot be followed, or not any more
   */
  async untilOver(tell: (event: TailedEvent, text: string) => void, signal?: AbortSignal): Promise<void> {
    let heardAtMs: number | undefined; // the first time a refusal is an answer
    for (;;) {
      try {
        const bytes = await this.server.stream(
          `jobs/${encodeURIComponent(this.jobId)}/events`,
          { starting_after: this.after },
          signal,
        );
        heardAtMs = performance.now();
        if (await this.read(bytes, tell)) return;
      } catch (error) {
        if (signal?.aborted === true) return;
        const isLost = heardAtMs !== undefined && performance.now() - heardAtMs < PATIENCE_MS;
        if (!isLost) throw error instanceof CommandError ? error : new CommandError('The events broke off.', 2);
      }
      await pause(LOOK_EVERY_MS);
    }
  }

  /** @returns whether the last event was among them */
  private async read(
    bytes: AsyncIterable<Uint8Array>,
    tell: (event: TailedEvent, text: string) => void,
  ): Promise<boolean> {
    let isOver = false;
    const parser = createParser({
      onEvent: ({ data }) => {
        const event = JSON.parse(data) as TailedEvent;
        this.after = event.seq;
        isOver ||= OVER.includes(event.type);
        tell(event, data);
      },
    });
    const decoder = new TextDecoder();
    for await (const chunk of bytes) parser.feed(decoder.decode(chunk, { stream: true }));
    return isOver;
  }
}
