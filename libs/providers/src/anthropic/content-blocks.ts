import { recordOf } from '../provider-error.js';

export type Block = Record<string, unknown> & { type: string };

/** OpenAI content, a text or parts, as Anthropic blocks. Empty texts go; parts of types we do not know pass as they are. */
export function blocksOf(content: unknown): Block[] {
  if (typeof content === 'string') return content === '' ? [] : [{ type: 'text', text: content }];
  if (!Array.isArray(content)) return [];
  return content.flatMap((part) => {
    const block = typeof part === 'string' ? textBlock(part, undefined) : blockOf(recordOf(part) ?? {});
    return block === undefined ? [] : [block];
  });
}

export const textBlock = (text: string, cacheControl: unknown): Block | undefined =>
  text === '' ? undefined : { type: 'text', text, ...cached(cacheControl) };

/** `cache_control` is Anthropic's own member; clients that know it write it on OpenAI parts, messages and tools. */
export const cached = (cacheControl: unknown): { cache_control?: unknown } =>
  cacheControl === undefined || cacheControl === null ? {} : { cache_control: cacheControl };

function blockOf(part: Record<string, unknown>): Block | undefined {
  const { type, cache_control: cacheControl } = part;
  switch (type) {
    case 'text':
    case 'input_text':
    case 'output_text':
      return textBlock(typeof part['text'] === 'string' ? part['text'] : '', cacheControl);
    case 'refusal':
      return textBlock(typeof part['refusal'] === 'string' ? part['refusal'] : '', cacheControl);
    case 'image_url': {
      const image = part['image_url'];
      const url = typeof image === 'string' ? image : recordOf(image)?.['url'];
      return typeof url === 'string' ? { type: 'image', source: sourceOf(url), ...cached(cacheControl) } : undefined;
    }
    case 'file': {
      const source = fileSource(recordOf(part['file']) ?? {});
      return source === undefined ? undefined : { type: 'document', source, ...cached(cacheControl) };
    }
    case 'input_audio':
      return undefined;
    default:
      return typeof type === 'string' ? (part as Block) : undefined;
  }
}

function fileSource({ file_data: data, file_id: id }: Record<string, unknown>): Record<string, unknown> | undefined {
  if (typeof data === 'string') return sourceOf(data);
  return typeof id === 'string' ? { type: 'file', file_id: id } : undefined;
}

/** `data:image/png;base64,…` by its bytes, all else by its address. Plain text has a source type of its own. */
function sourceOf(url: string): Record<string, unknown> {
  const comma = url.startsWith('data:') ? url.indexOf(',') : -1;
  if (comma === -1) return { type: 'url', url };
  const [mediaType = '', ...flags] = url.slice(5, comma).split(';');
  const isBase64 = flags.some((flag) => flag.trim() === 'base64');
  const data = url.slice(comma + 1);
  if (mediaType === 'text/plain') {
    const text = isBase64 ? Buffer.from(data, 'base64').toString('utf8') : percentDecoded(data);
    return { type: 'text', media_type: mediaType, data: text };
  }
  const bytes = isBase64 ? data : Buffer.from(percentDecoded(data), 'latin1').toString('base64');
  return { type: 'base64', media_type: mediaType === 'image/jpg' ? 'image/jpeg' : mediaType, data: bytes };
}

/** A stray percent sign is no reason to lose the call. */
function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
