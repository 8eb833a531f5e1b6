import { errorBody } from '../error-body.js';
import { sseData } from '../sse.js';
import type { Presentation } from './presentation.js';

const asIs = (text: string): string => text;

/** Chat completions are what workers run: nothing is translated, nothing is parsed. */
export const CHAT_PRESENTATION: Presentation = {
  toChat: (asked) => ({ kind: 'chat', body: asked }),
  answer: (chat) => chat,
  events: (_asked, { jobId }) => ({
    open: () => '',
    push: asIs,
    end: asIs,
    fail: (error) => sseData(errorBody(error, jobId)),
  }),
  error: errorBody,
};
