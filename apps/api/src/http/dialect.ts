import { presentationOf, type AskedBody, type Endpoint, type EventFold, type Presentation } from '@sluice/wire';
import type { InferenceJob } from '@sluice/pipeline';

/** How a job's answer is written for its caller. Absent in replies: as the chat completion that it is, byte by byte. */
export interface Dialect {
  answer: (chat: Buffer) => Buffer;
  events: () => EventFold;
  /** The body of an HTTP error. */
  error: Presentation['error'];
}

/** @throws when the endpoint has no presentation: a route was opened too early */
export function dialectOf(
  endpoint: Endpoint,
  asked: AskedBody,
  { jobId, acceptedAtMs, model }: Pick<InferenceJob, 'jobId' | 'acceptedAtMs' | 'model'>,
): Dialect {
  const { answer, events, error } = presentationOf(endpoint)!;
  const identity = { jobId, createdAtMs: acceptedAtMs, model };
  return { answer: (chat) => answer(chat, asked, identity), events: () => events(asked, identity), error };
}
