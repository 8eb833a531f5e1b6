import { modelProblem } from '../endpoints/model-problem.js';
import type { Presentation } from '../endpoints/presentation.js';
import { chatToMessage } from './chat-to-message.js';
import { MessageEvents } from './message-events.js';
import { messagesErrorBody } from './messages-error.js';
import { messagesProblem } from './messages-problem.js';
import { messagesToChat } from './messages-to-chat.js';

/** POST /v1/messages. The worker is given the caller's own body: an Anthropic deployment is asked with it as it stands. */
export const MESSAGES_PRESENTATION: Presentation = {
  toChat(asked) {
    const error = modelProblem(asked) ?? messagesProblem(asked);
    return error === undefined
      ? { kind: 'chat', body: messagesToChat(asked).body, runsAsAsked: true }
      : { kind: 'refused', error };
  },
  answer: (chat, _asked, identity) => chatToMessage(chat, identity),
  events: (_asked, identity) => new MessageEvents(identity),
  error: messagesErrorBody,
};
