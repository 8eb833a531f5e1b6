/** Server-sent events as OpenAI's clients read them: only `data:` lines, and comments that end in ONE line break. */
export const sseData = (json: string): string => `data: ${json}\n\n`;

export const SSE_DONE = 'data: [DONE]\n\n';

/** With a blank line after it, Python SDKs that have seen an `id:` field raise a JSON error on the empty event. */
export const SSE_HEARTBEAT = ':hb\n';

/** @param events whole SSE events; `take` gets the data of each that has some */
export function eachData(events: string, take: (data: string) => void): void {
  for (const event of events.split('\n\n')) if (event.startsWith('data: ')) take(event.slice(6));
}
