/** Chunks that Sluice writes itself, beside those that pass through: same id, created and model in all of them. */
export interface ChunkIdentity {
  id: string;
  createdAt: number;
  model: string;
}

const head = ({ id, createdAt, model }: ChunkIdentity): string =>
  `{"id":"${id}","object":"chat.completion.chunk","created":${createdAt},"model":${JSON.stringify(model)}`;

/** Opens a choice; `withUsage`: the caller asked for include_usage, so every chunk says `usage: null`. */
export const roleChunk = (identity: ChunkIdentity, choice: number, withUsage: boolean): string =>
  `${head(identity)},"choices":[{"index":${choice},"delta":{"role":"assistant","content":""},"finish_reason":null}]${withUsage ? ',"usage":null' : ''}}`;

/** Text of a lone answer, with the same end as `roleChunk`. */
export const textChunk = (identity: ChunkIdentity, text: string, withUsage: boolean): string =>
  `${head(identity)},"choices":[{"index":0,"delta":{"content":${JSON.stringify(text)}},"finish_reason":null}]${withUsage ? ',"usage":null' : ''}}`;

export const usageChunk = (identity: ChunkIdentity, usage: Record<string, unknown>): string =>
  `${head(identity)},"choices":[],"usage":${JSON.stringify(usage)}}`;
