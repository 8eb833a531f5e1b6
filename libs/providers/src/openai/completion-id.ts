import type { Call } from '../adapter.js';

/** `cmpl-X` where a chat's answer is `chatcmpl-X`. */
export const completionIdOf = ({ id }: Call): string => id.replace(/^chat/, '');
