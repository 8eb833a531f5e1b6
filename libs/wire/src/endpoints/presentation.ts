import type { ApiError } from '../error-body.js';
import type { ChatMessage } from '../openai/chat-completion-request.js';

/** The body of a call to an endpoint as its caller wrote it, parsed. */
export type AskedBody = Readonly<Record<string, unknown>>;

/** What all that is written of one answer has in common. */
export interface AnswerIdentity {
  /** `job_X`; the answer's own id is made from it: `chatcmpl-X`, `resp_X`, `msg_X`. */
  jobId: string;
  /** When the job was accepted, Unix ms. */
  createdAtMs: number;
  /** As the caller wrote it. */
  model: string;
}

/**
 * `body`: what the worker runs, `messages` and all. `runsAsAsked`: the worker is given the caller's own body instead, with the
 * job's `endpoint`, since some deployments speak its dialect; then `body` is for what Sluice itself reads in a call.
 * `refused`: the caller's mistake, with its `param`.
 */
export type ToChat =
  { kind: 'chat'; body: Record<string, unknown>; runsAsAsked?: true } | { kind: 'refused'; error: ApiError };

/** A call of another dialect in the words of chat. */
export interface ChatForm {
  body: Record<string, unknown> & { messages: ChatMessage[] };
  /** Members, or paths to them, that chat has no words for: only who speaks the caller's dialect can serve them. */
  unsaid: string[];
}

/**
 * One endpoint's dialect on both sides of a job. Workers run chat completions and nothing else of what people converse in; so
 * jobs, batches and the routes that answer at once all ask here, and what is stored is the chat answer. Everything is pure
 * and depends on its arguments alone: any replica makes the same bytes of the same job, as often as it is asked.
 */
export interface Presentation {
  /**
   * @param previous what was said before, of a call that goes on with an earlier one: stands before its own input
   */
  toChat: (asked: AskedBody, previous?: readonly ChatMessage[]) => ToChat;
  /** @param chat a whole `chat.completion` object; of an endpoint that runs as asked, also what its own dialect answered */
  answer: (chat: Buffer, asked: AskedBody, identity: AnswerIdentity) => Buffer;
  /** A new fold for each reader. */
  events: (asked: AskedBody, identity: AnswerIdentity) => EventFold;
  /** The body of an HTTP error. */
  error: (error: ApiError, jobId?: string, requestId?: string) => string;
}

/**
 * Turns the chat chunks of a job, as they stand in its stream, into the endpoint's own events; all are SSE text. Fed with the
 * same chunks it says the same, however they are cut into pushes. `open` once at most, before the rest; then `push`es; then
 * `end` or `fail`. What `open` says comes with the first of the others when it was not called.
 */
export interface EventFold {
  /** What can be said before the first chunk; may be empty. */
  open: () => string;
  push: (chatEvents: string) => string;
  /** @param rest the last chunks, from the terminal record: finish, usage, [DONE] */
  end: (rest: string) => string;
  /** An answer that broke off: the last event, with its reason. */
  fail: (error: ApiError) => string;
}
