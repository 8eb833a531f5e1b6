import { presentationOf, type ChatMessage, type Endpoint } from '@sluice/wire';
import type { HeldCall } from './answer-call.js';
import { ApiException } from './api-error.js';
import { dialectOf } from './dialect.js';
import { checkedBody, LeanValidationPipe } from './lean-validation.pipe.js';

const chatForm = new LeanValidationPipe();

/**
 * A call to an endpoint that is served by way of chat. What the translation does not look at is checked in its chat form,
 * where it has the same name.
 * @param previous what was said before
 * @throws 400 invalid_request
 */
export function translatedCall(endpoint: Endpoint, body: unknown, previous?: readonly ChatMessage[]): HeldCall {
  const asked = checkedBody(body);
  const made = presentationOf(endpoint)!.toChat(asked, previous);
  if (made.kind === 'refused') throw new ApiException(made.error);
  const source = Buffer.from(JSON.stringify(made.body));
  return { asked, body: chatForm.transform(made.body), source, dialect: (job) => dialectOf(endpoint, asked, job) };
}
