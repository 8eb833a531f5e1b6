import { variantName, variantOf } from '@sluice/core';
import { chatMessagesProblem } from '@sluice/wire';
import { apiError, type ApiException } from './api-error.js';
import { FORBIDDEN } from './lean-validation.pipe.js';

/** What a caller waits for is decided when the call comes in: how the answer is sent, and where it may go from there. */
const OF_THE_WHOLE_CALL = ['stream', 'stream_options', 'n', 'fallbacks', 'disable_fallbacks'];

/**
 * An entry of a body's `fallbacks`: the name of a model, or `{"model": …}` with members that stand in place of the call's own.
 * @returns the target as routing names it
 * @throws 400 invalid_request
 */
export function fallbackTarget(entry: unknown, i: number, isModel: (name: string) => boolean): string {
  if (typeof entry === 'string') return named(entry, `fallbacks[${i}]`, isModel);
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) throw notATarget(`fallbacks[${i}]`);
  const members = entry as Record<string, unknown>;
  const model = named(members['model'], `fallbacks[${i}].model`, isModel);
  const own = Object.keys(members).filter((name) => name !== 'model');
  if (own.length === 0) return model;
  const misplaced = own.find((name) => OF_THE_WHOLE_CALL.includes(name) || FORBIDDEN.some((never) => never === name));
  if (misplaced !== undefined) {
    throw apiError('invalid_request', `${misplaced} may not be set in a fallback.`, `fallbacks[${i}].${misplaced}`);
  }
  if (members['messages'] !== undefined) {
    const problem = chatMessagesProblem(members['messages']);
    const where = problem && `fallbacks[${i}].${problem.param}`;
    if (where !== null) throw apiError('invalid_request', `${where} must be ${problem!.expected}.`, where);
  }
  return variantName(model, i);
}

function named(name: unknown, where: string, isModel: (name: string) => boolean): string {
  if (typeof name === 'string' && variantOf(name) === undefined && isModel(name)) return name;
  throw notATarget(where);
}

const notATarget = (where: string): ApiException =>
  apiError(
    'invalid_request',
    `${where} must be the name of a model that is configured here, or an object with such a model and members of its own.`,
    where,
  );
