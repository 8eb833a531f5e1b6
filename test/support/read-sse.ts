/** A chat stream as its caller sees it. */
export interface SeenStream {
  status: number;
  headers: Headers;
  /** Data of the events, but [DONE]. */
  chunks: SeenChunk[];
  /** Of choice 0. */
  text: string;
  roles: number;
  /** By choice. */
  finishes: string[];
  /** An event in place of a chunk, or the body of an answer that is no stream. */
  error: Record<string, unknown> | undefined;
  isDone: boolean;
}

interface SeenChunk {
  id: string;
  model: string;
  choices: {
    index: number;
    delta: {
      role?: string;
      content?: string;
      tool_calls?: { index: number; id?: string; function?: { name?: string; arguments?: string } }[];
    };
    finish_reason: string | null;
  }[];
  usage?: { prompt_tokens: number; completion_tokens: number; total_tokens: number } | null;
  error?: Record<string, unknown>;
}

/** Reads a reply to its end. What stands after [DONE] or an error would be a mistake: it is there in `chunks`. */
export async function readSse(response: Response): Promise<SeenStream> {
  const body = await response.text();
  const { status, headers } = response;
  const seen: SeenStream = {
    status,
    headers,
    chunks: [],
    text: '',
    roles: 0,
    finishes: [],
    error: undefined,
    isDone: false,
  };
  if (headers.get('content-type')?.startsWith('text/event-stream') !== true) {
    return { ...seen, error: (JSON.parse(body) as { error: Record<string, unknown> }).error };
  }
  for (const event of body.split('\n\n')) {
    for (const line of event.split('\n')) {
      if (!line.startsWith('data: ')) continue;
      if (line === 'data: [DONE]') {
        seen.isDone = true;
        continue;
      }
      const chunk = JSON.parse(line.slice(6)) as SeenChunk;
      if (chunk.error !== undefined) seen.error = chunk.error;
      else seen.chunks.push(chunk);
      for (const { index, delta, finish_reason: finish } of chunk.choices ?? []) {
        if (delta.role !== undefined) seen.roles++;
        if (index === 0) seen.text += delta.content ?? '';
        if (finish !== null && finish !== undefined) seen.finishes[index] = finish;
      }
    }
  }
  return seen;
}
