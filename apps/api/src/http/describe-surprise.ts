/**
 * A surprise, for the log: its kind, its sentence and where it was thrown. No whole stack, no absolute path, nothing that
 * could be a key; and of JSON.parse no sentence at all, since it quotes what it read, which may be a prompt.
 */
export function describeSurprise(thrown: unknown): string {
  if (!(thrown instanceof Error)) return `thrown: ${typeof thrown}`;
  const { name, message, stack = '' } = thrown;
  const sentence = thrown instanceof SyntaxError ? '' : `: ${message.slice(0, 300).replaceAll(KEY, '***')}`;
  const place = /^\s+at (.*)$/m.exec(stack)?.[1]?.replace(/(?:file:\/\/)?[^\s()]*\/([^/\s]+\/[^/\s]+)/, '$1');
  return `${name}${sentence}${place === undefined ? '' : ` (at ${place})`}`;
}

const KEY = /\b(?:sk|whsec)[-_][\w-]{6,}/g;
