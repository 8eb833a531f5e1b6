import { recordOf } from '../record-of.js';
import { mustBe, unsupported } from './refusal.js';

type Part = Record<string, unknown>;

/**
 * Content of an input item as content of a chat message. A lone text becomes a string, which every provider takes; several
 * parts stay parts.
 * @param at where it stands, for errors
 */
export function chatContent(content: unknown, at: string): string | Part[] {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) throw mustBe(at, 'a string or an array of parts');
  const parts = content.map((part, i) => chatPart(part, `${at}[${i}]`));
  const [first] = parts;
  return parts.length === 1 && first!['type'] === 'text' && Object.keys(first!).length === 2
    ? (first!['text'] as string)
    : parts;
}

/** Of the assistant: providers other than OpenAI take a string alone, so texts are joined. */
export function assistantContent(content: unknown, at: string): string | Part[] {
  const parts = chatContent(content, at);
  if (typeof parts === 'string' || !parts.every(({ type }) => type === 'text')) return parts;
  return parts.map(({ text }) => text as string).join('');
}

function chatPart(value: unknown, at: string): Part {
  const part = recordOf(value);
  if (part === undefined) throw mustBe(at, 'an object');
  const { type, cache_control: cacheControl } = part;
  const mark = cacheControl === undefined ? {} : { cache_control: cacheControl };
  switch (type) {
    case 'input_text':
    case 'output_text':
    case 'text':
    case 'summary_text':
      return { type: 'text', text: textAt(part, 'text', at), ...mark };
    case 'refusal':
      return { type: 'refusal', refusal: textAt(part, 'refusal', at) };
    case 'input_image':
      return { type: 'image_url', image_url: image(part, at), ...mark };
    case 'input_file':
      return { type: 'file', file: file(part, at), ...mark };
    case 'input_audio':
      return { type: 'input_audio', input_audio: part['input_audio'] };
    default:
      throw unsupported(`${at}.type`, type, 'send input_text, input_image, input_file or input_audio');
  }
}

function textAt(part: Readonly<Part>, member: string, at: string): string {
  const text = part[member];
  if (typeof text !== 'string') throw mustBe(`${at}.${member}`, 'a string');
  return text;
}

function image(part: Readonly<Part>, at: string): Part {
  const { image_url: url, detail, file_id: id } = part;
  if (typeof url === 'string') return { url, ...(typeof detail === 'string' ? { detail } : {}) };
  if (typeof id === 'string') throw unsupported(`${at}.file_id`, undefined, 'send the image in image_url');
  throw mustBe(`${at}.image_url`, 'a string: an address or a data: URL');
}

/** Chat has no member for the address of a file: those providers that fetch files take it where the data stands. */
function file(part: Readonly<Part>, at: string): Part {
  const { file_data: data, file_url: url, filename, file_id: id } = part;
  const name = typeof filename === 'string' ? { filename } : {};
  if (typeof data === 'string') return { ...name, file_data: data };
  if (typeof url === 'string') return { ...name, file_data: url };
  if (typeof id === 'string') throw unsupported(`${at}.file_id`, undefined, 'send the file in file_data');
  throw mustBe(`${at}.file_data`, 'a string: a data: URL');
}
