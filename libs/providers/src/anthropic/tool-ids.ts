import { createHash } from 'node:crypto';

const VALID = /^[A-Za-z0-9_-]{1,64}$/;

/**
 * Anthropic takes only some characters in a tool id. Others, and missing ones, are replaced by a digest: the same in the call
 * and in its result. The n-th missing id of the calls and the n-th of the results are taken for each other.
 */
export class ToolIds {
  private missingInCalls = 0;
  private missingInResults = 0;

  constructor(private readonly callId: string) {}

  ofCall(id: unknown): string {
    return this.valid(id) ?? this.digest(`${this.callId}${this.missingInCalls++}`);
  }

  ofResult(id: unknown): string {
    return this.valid(id) ?? this.digest(`${this.callId}${this.missingInResults++}`);
  }

  private valid(id: unknown): string | undefined {
    if (typeof id !== 'string' || id === '') return undefined;
    return VALID.test(id) ? id : this.digest(id);
  }

  private digest(text: string): string {
    return `call_${createHash('sha256').update(text).digest('hex').slice(0, 24)}`;
  }
}
