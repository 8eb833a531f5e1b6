/** Server-sent events as OpenAI's clients read them: only `data:` lines, and comments that end in ONE line break. */
export const sseData = (json: string): string => `data: ${json}\n\n`;

export const SSE_DONE = 'data: [DONE]\n\n';

/** With a blank line after it, Python SDKs that have seen an `id:` field raise a JSON error on the empty event. */
export const SSE_HEARTBEAT = ':hb\n';
