import type { PipeTransform } from '@nestjs/common';
import { chatMessagesProblem, type ChatCompletionRequest } from '@sluice/wire';
import { apiError, type ApiException } from './api-error.js';
import { CHECKED_MEMBERS, type CheckedMember } from './chat-completion-members.js';

/** Members that would make the caller choose where the call goes and with whose key; and one that is only ever an attack. */
export const FORBIDDEN = ['api_key', 'api_base', 'base_url', '__proto__'] as const;

/**
 * Checks the few members that Sluice looks at, one level deep: under 1 µs, where Nest's ValidationPipe with nested DTOs takes
 * 98 µs for 20 messages. Returns the parsed body itself, with all its members.
 */
export class LeanValidationPipe implements PipeTransform {
  transform(body: unknown): ChatCompletionRequest {
    const members = checkedBody(body);
    for (const member of CHECKED_MEMBERS) {
      const value = members[member.name];
      if (member.isOptional && (value === undefined || value === null)) continue;
      if (!member.isRight(value)) throw problemOf(member, value);
    }
    refuseForbidden(members);
    if ((members['model'] as string).includes(',')) {
      throw apiError('invalid_request', 'model must be one name: a list of models ("a,b") is not supported.', 'model');
    }
    return members as unknown as ChatCompletionRequest;
  }
}

/** @throws 400 that names the member */
export function refuseForbidden(members: Readonly<Record<string, unknown>>): void {
  for (const member of FORBIDDEN) {
    if (Object.hasOwn(members, member) && members[member] !== null)
      throw apiError('invalid_request', `${member} may not be set by a caller.`, member);
  }
}

/** @throws 400 for what is no object */
export function checkedBody(body: unknown): Record<string, unknown> {
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as Record<string, unknown>;
  throw apiError('invalid_request', `The body must be a JSON object, but ${found(body)}.`);
}

function problemOf({ name, expected }: CheckedMember, value: unknown): ApiException {
  const problem = name === 'messages' ? chatMessagesProblem(value) : null;
  return problem === null ? invalid(name, expected, value) : invalid(problem.param, problem.expected, problem.found);
}

const invalid = (param: string, expected: string, value: unknown): ApiException =>
  apiError('invalid_request', `${param} must be ${expected}, but ${found(value)}.`, param);

/** Its kind, and of numbers the value: texts may be prompts. */
function found(value: unknown): string {
  if (value === undefined) return 'is missing';
  if (value === null) return 'is null';
  if (Array.isArray(value)) return value.length === 0 ? 'is an empty array' : 'is an array';
  if (typeof value === 'string')
    return value === '' ? 'is an empty string' : `is a string of ${value.length} characters`;
  return typeof value === 'object' ? 'is an object' : `is ${String(value as number | boolean)}`;
}
