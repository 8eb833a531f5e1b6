import type { ApiError } from '../error-body.js';

/** Thrown inside the translation of a request and caught at its top: what the caller wrote wrongly, and where. */
export class Refusal extends Error {
  constructor(
    readonly param: string,
    message: string,
  ) {
    super(message);
  }

  get error(): ApiError {
    return { code: 'invalid_request', message: this.message, param: this.param };
  }
}

export const mustBe = (param: string, expected: string): Refusal => new Refusal(param, `${param} must be ${expected}.`);

/** @param what as the caller wrote it: a name of OpenAI's, not a text of theirs */
export const unsupported = (param: string, what: unknown, instead: string): Refusal =>
  new Refusal(param, `${param} ${named(what)}is not supported here: ${instead}.`);

const named = (what: unknown): string => (typeof what === 'string' && /^[\w.:-]{1,64}$/.test(what) ? `"${what}" ` : '');
