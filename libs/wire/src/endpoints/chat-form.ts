import { completionToChat } from '../completions/completion-to-chat.js';
import { inputToChat } from '../inputs/input-to-chat.js';
import { messagesToChat } from '../messages/messages-to-chat.js';
import type { Endpoint } from './endpoints.js';
import type { AskedBody, ChatForm } from './presentation.js';

/**
 * For a body that `toChat` has let pass and that runs as asked. Of embeddings and moderations it is what Sluice itself reads
 * of a call: nobody answers those in a chat.
 */
export function chatFormOf(endpoint: Endpoint, asked: AskedBody): ChatForm {
  switch (endpoint) {
    case '/v1/messages':
      return messagesToChat(asked);
    case '/v1/completions':
      return completionToChat(asked);
    case '/v1/embeddings':
    case '/v1/moderations':
      return { body: inputToChat(asked), unsaid: [] };
    case '/v1/chat/completions':
    case '/v1/responses':
      return { body: asked as ChatForm['body'], unsaid: [] };
  }
}
