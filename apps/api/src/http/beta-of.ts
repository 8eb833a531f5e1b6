import type { IncomingHttpHeaders } from 'node:http';

/** Longer lists than this nobody writes; the header goes on to a provider. */
const MOST_CHARACTERS = 1_000;

/** `anthropic-beta`, which names what of Anthropic's newest a caller wants: for deployments of theirs. */
export function betaOf(headers: IncomingHttpHeaders): string | undefined {
  const beta = String(headers['anthropic-beta'] ?? '');
  return /^[\w.,\s-]+$/.test(beta) && beta.length <= MOST_CHARACTERS ? beta : undefined;
}
