import { blocksOf, objectOf, textOf, type Json } from './read-block.js';

/** Told what chat has no words for, as a path in the body. */
export type Unsaid = (path: string) => void;

/**
 * Anthropic's blocks as the parts of a chat message. Marks for the cache stay, for adapters that know them; the others take
 * them away.
 * @param path of the blocks in the body
 */
export function partsOf(blocks: readonly Json[], path: string, unsaid: Unsaid): Json[] {
  return blocks.flatMap((block, i) => {
    const parts = partsOfBlock(block, `${path}[${i}]`, unsaid);
    const { cache_control: cacheControl } = block;
    const last = parts.at(-1);
    if (cacheControl === undefined || cacheControl === null || last === undefined) return parts;
    return [...parts.slice(0, -1), { ...last, cache_control: cacheControl }];
  });
}

/** A lone text without marks is a string, which every server takes. */
export function contentOf(parts: readonly Json[]): string | readonly Json[] {
  const [only] = parts;
  const isPlain = parts.length === 1 && only!['type'] === 'text' && only!['cache_control'] === undefined;
  return isPlain ? textOf(only!['text']) : parts;
}

function partsOfBlock(block: Json, path: string, unsaid: Unsaid): Json[] {
  switch (block['type']) {
    case 'text':
      return block['text'] === '' ? [] : [textPart(textOf(block['text']))];
    case 'image': {
      const url = urlOf(objectOf(block['source']));
      if (url !== undefined) return [{ type: 'image_url', image_url: { url } }];
      unsaid(`${path}.source.type`);
      return [];
    }
    case 'document':
      return documentParts(block, path, unsaid);
    case 'search_result': {
      const heading = [textOf(block['title']), textOf(block['source'])].filter((each) => each !== '').join('\n');
      return [textPart(`${heading}\n\n${blocksOf(block['content']).map(plainText).join('\n')}`)];
    }
    default:
      unsaid(`${path}.type`);
      return [];
  }
}

const textPart = (text: string): Json => ({ type: 'text', text });
const plainText = (block: Json): string => textOf(block['text']);

function documentParts(block: Json, path: string, unsaid: Unsaid): Json[] {
  const source = objectOf(block['source']);
  const title = textOf(block['title']);
  switch (source?.['type']) {
    case 'text':
      return [textPart(title === '' ? textOf(source['data']) : `${title}\n\n${textOf(source['data'])}`)];
    case 'content':
      return partsOf(blocksOf(source['content']), `${path}.source.content`, unsaid);
    case 'base64':
      return [{ type: 'file', file: { file_data: urlOf(source), filename: title || 'document.pdf' } }];
    default: // by address, or by the id of a file that only Anthropic has
      unsaid(`${path}.source.type`);
      return [];
  }
}

function urlOf(source: Json | undefined): string | undefined {
  if (source?.['type'] === 'url') return textOf(source['url']);
  if (source?.['type'] !== 'base64') return undefined;
  return `data:${textOf(source['media_type'])};base64,${textOf(source['data'])}`;
}
