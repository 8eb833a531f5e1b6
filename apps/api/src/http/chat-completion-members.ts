import { chatMessagesProblem } from '@sluice/wire';
import { isBoolean, isInt, isNumber, isObject, isString, max, maxLength, min } from 'class-validator';

/** A member that Sluice itself looks at; all others travel on untouched. */
export interface CheckedMember {
  readonly name: string;
  /** `null` and absence are the same, as for OpenAI; undefined: it must be there. */
  readonly isOptional: boolean;
  readonly isRight: (value: unknown) => boolean;
  readonly expected: string;
}

/** Reserved with the lease, in whole numbers that Lua writes out: larger ones mean nothing to any provider. */
const MOST_TOKENS = 2_147_483_647;

/**
 * class-validator's own checks, called one by one: its decorated classes walk over all they know of a class for each
 * request, 17 kB of garbage and a twentieth of the api's time.
 */
export const CHECKED_MEMBERS: readonly CheckedMember[] = [
  {
    name: 'model',
    isOptional: false,
    isRight: (value) => isString(value) && value !== '' && maxLength(value, 512),
    expected: 'a string of 1 to 512 characters',
  },
  {
    name: 'messages',
    isOptional: false,
    isRight: (value) => chatMessagesProblem(value) === null,
    expected: 'an array of messages', // the pipe tells the exact place
  },
  { name: 'stream', isOptional: true, isRight: isBoolean, expected: 'true or false' },
  { name: 'stream_options', isOptional: true, isRight: isObject, expected: 'an object' },
  wholeNumber('n', 128),
  wholeNumber('max_tokens', MOST_TOKENS),
  wholeNumber('max_completion_tokens', MOST_TOKENS),
  numberUpTo('temperature', 2),
  numberUpTo('top_p', 1),
];

function wholeNumber(name: string, most: number): CheckedMember {
  const isRight = (value: unknown): boolean => isInt(value) && min(value, 1) && max(value, most);
  return { name, isOptional: true, isRight, expected: `a whole number from 1 to ${most}` };
}

function numberUpTo(name: string, most: number): CheckedMember {
  const isRight = (value: unknown): boolean => isNumber(value) && min(value, 0) && max(value, most);
  return { name, isOptional: true, isRight, expected: `a number from 0 to ${most}` };
}
