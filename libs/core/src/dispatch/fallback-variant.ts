/** No name of a model holds it. */
const MARK = '\u0000';

/**
 * A caller's fallback that brings a body of its own, `{"model": "m", "messages": […]}`, as the name of a target: the model,
 * and which entry of the caller's list says what else is asked. It is a string since lists of targets hold strings.
 */
export const variantName = (model: string, entry: number): string => `${model}${MARK}${entry}`;

/** Undefined: a plain name. */
export function variantOf(target: string): { model: string; entry: number } | undefined {
  const at = target.indexOf(MARK);
  return at === -1 ? undefined : { model: target.slice(0, at), entry: Number(target.slice(at + 1)) };
}
