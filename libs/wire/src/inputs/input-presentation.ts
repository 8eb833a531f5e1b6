import { CHAT_PRESENTATION } from '../endpoints/chat-presentation.js';
import { modelProblem } from '../endpoints/model-problem.js';
import type { AskedBody, Presentation } from '../endpoints/presentation.js';
import { errorBody, type ApiError } from '../error-body.js';
import { inputToChat } from './input-to-chat.js';

/** Embeddings and moderations: only who has such models answers, in this very dialect, and never as a stream. */
export const INPUT_PRESENTATION: Presentation = {
  toChat(asked) {
    const error = modelProblem(asked) ?? inputProblem(asked);
    return error === undefined
      ? { kind: 'chat', body: inputToChat(asked), runsAsAsked: true }
      : { kind: 'refused', error };
  },
  answer: (answer) => answer,
  events: CHAT_PRESENTATION.events,
  error: errorBody,
};

function inputProblem({ input, stream }: AskedBody): ApiError | undefined {
  const isGiven = Array.isArray(input) ? input.length > 0 : typeof input === 'string';
  if (!isGiven) return wrong('input', 'input must be a string or a non-empty array.');
  return stream === true ? wrong('stream', 'stream must be false: this endpoint does not stream.') : undefined;
}

const wrong = (param: string, message: string): ApiError => ({ code: 'invalid_request', message, param });
