/** What callers have been sent of an answer, as far as it matters here. */
interface SentSoFar {
  text: string;
  /** Something of which half is worth nothing (tool arguments, several choices, …). */
  unspliceable: unknown;
}

/** Nobody writes so much; it has to be sent along and compared. */
const LONGEST_TEXT = 1 << 20;
const WHOLE_FORMATS = new Set<unknown>(['json_object', 'json_schema']);

/**
 * Whether another deployment may go on with an answer that broke off. Prose may be joined; JSON, tool arguments, several
 * choices and log probabilities may not: what is joined wrongly there is wrong without anybody noticing.
 * @param asked the call's parameters, with the deployment's own defaults among them
 */
export function mayGoOn(asked: Readonly<Record<string, unknown>>, sent: SentSoFar): boolean {
  if (sent.unspliceable !== undefined || sent.text.length > LONGEST_TEXT) return false;
  const { n, logprobs, response_format: format, modalities } = asked;
  if ((typeof n === 'number' && n > 1) || logprobs === true) return false;
  if (Array.isArray(modalities) && modalities.some((each) => each !== 'text')) return false;
  return !WHOLE_FORMATS.has((format as { type?: unknown } | null | undefined)?.type);
}
