import { presentationOf, type ChatMessage, type Endpoint } from '@sluice/wire';
import type { InferenceJob } from '@sluice/pipeline';
import type { HeldCall } from './answer-call.js';
import { ApiException } from './api-error.js';
import { dialectOf } from './dialect.js';
import { checkedBody, LeanValidationPipe, refuseForbidden } from './lean-validation.pipe.js';

const chatForm = new LeanValidationPipe();

/**
 * A call to an endpoint beside chat. What the translation does not look at is checked in its chat form, where it has the same
 * name.
 * @param source the bytes of the body
 * @param previous what was said before
 * @throws 400 invalid_request
 */
export function translatedCall(
  endpoint: Endpoint,
  body: unknown,
  { source, previous }: { source?: Buffer | undefined; previous?: readonly ChatMessage[] } = {},
): HeldCall & { /** What was asked is something else than what runs. */ isTranslated: boolean } {
  const asked = checkedBody(body);
  refuseForbidden(asked); // a translation may leave them out, and who speaks the dialect would be sent them
  const made = presentationOf(endpoint)!.toChat(asked, previous);
  if (made.kind === 'refused') throw new ApiException(made.error);
  const call = {
    asked,
    body: chatForm.transform(made.body),
    dialect: (job: InferenceJob) => dialectOf(endpoint, asked, job),
  };
  const isChat = made.body === asked;
  const isTranslated = !isChat && made.runsAsAsked !== true;
  return {
    ...call,
    isTranslated,
    source: (isTranslated ? undefined : source) ?? Buffer.from(JSON.stringify(isTranslated ? made.body : asked)),
    ...(made.runsAsAsked === true ? { endpoint } : {}),
  };
}
