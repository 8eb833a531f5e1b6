// What people read of an answer, whichever endpoint it is of.

interface Chunk {
  type?: string;
  choices?: readonly { delta?: { content?: string | null }; text?: string }[];
  delta?: string | { text?: string };
}

interface Answer {
  choices?: readonly { message?: { content?: string | null; tool_calls?: unknown }; text?: string }[];
  output?: readonly Message[];
  content?: Message['content'];
}

interface Message {
  type?: string;
  content?: readonly { type?: string; text?: string }[];
}

/** What a model says to itself is no part of what it answers. */
const THOUGHTS = ['reasoning', 'thinking', 'redacted_thinking'];
const isSaid = ({ type = '' }: { type?: string }): boolean => !THOUGHTS.includes(type);

/** Of one event of a stream. */
export function textOfChunk({ type, choices = [], delta }: Chunk): string {
  if (type === 'response.output_text.delta') return typeof delta === 'string' ? delta : '';
  if (type === 'content_block_delta') return (typeof delta === 'object' && delta.text) || '';
  return choices.map((choice) => choice.delta?.content ?? choice.text ?? '').join('');
}

/** Of a whole answer: as JSON where it is not made of text alone. */
export function textOfAnswer(whole: object): string {
  const answer: Answer = whole;
  const parts = answer.choices === undefined ? textsOfMessages(answer) : answer.choices.map(textOfChoice);
  const isText = parts.length > 0 && parts.every((part) => typeof part === 'string');
  return isText ? parts.join('\n\n') : JSON.stringify(answer, undefined, 2);
}

const textOfChoice = ({ message, text }: NonNullable<Answer['choices']>[number]): string | null | undefined =>
  message?.tool_calls === undefined ? (message?.content ?? text) : undefined;

const textsOfMessages = ({ output, content }: Answer): (string | undefined)[] =>
  (output ?? [{ content: content ?? [] }])
    .filter(isSaid)
    .flatMap((item) => item.content?.filter(isSaid).map(({ text }) => text) ?? [undefined]);

/** Lines and tabs stay; what could steer a terminal does not. */
export const harmless = (text: string): string => text.replace(/[^\P{Cc}\n\t]+/gu, ' ');
