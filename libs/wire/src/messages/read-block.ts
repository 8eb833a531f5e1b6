/** JSON as it is met in the bodies of Anthropic's Messages. */
export type Json = Readonly<Record<string, unknown>>;

export function objectOf(value: unknown): Json | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
}

/** Content, a text or blocks, as blocks. What is no object is none. */
export function blocksOf(content: unknown): readonly Json[] {
  if (typeof content === 'string') return content === '' ? [] : [{ type: 'text', text: content }];
  return Array.isArray(content) ? content.map(objectOf).filter((block) => block !== undefined) : [];
}

export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
