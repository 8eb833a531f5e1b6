import type { ClaimAsk, ClaimReply, SettledHow } from '@sluice/core';
import type { Redis } from 'ioredis';
import claimKey from './scripts/claim-key.lua';
import settleClaim from './scripts/settle-claim.lua';

type Reply =
  | ['mine', id: string, group: string]
  | ['theirs', id: string, group: string, ageMs: number, isDone: 0 | 1]
  | ['reused']
  | ['busy', ms: number];
type Argument = string | number;

/** What Idempotency-Keys stand for, in the whole cluster: libs/core/src/idempotency/claim.ts. */
export class KeyClaims {
  private readonly claimKey: (...args: Argument[]) => Promise<Reply>;
  private readonly settleClaim: (...args: Argument[]) => Promise<1>;

  constructor(redis: Redis) {
    redis.defineCommand('sluiceClaimKey', { numberOfKeys: 1, lua: claimKey });
    redis.defineCommand('sluiceSettleClaim', { numberOfKeys: 1, lua: settleClaim });
    const commands = redis as unknown as Record<string, (...args: Argument[]) => Promise<never>>;
    this.claimKey = (...args) => commands['sluiceClaimKey']!.apply(redis, args);
    this.settleClaim = (...args) => commands['sluiceSettleClaim']!.apply(redis, args);
  }

  /** @param scope SHA-256 of tenant, method, path and key */
  async claim(scope: string, ask: ClaimAsk): Promise<ClaimReply> {
    const { fingerprint, id, group, keptMs, insteadOf = '', busyMs = 0 } = ask;
    const reply = await this.claimKey(keyOf(scope), fingerprint, id, group, keptMs, insteadOf, busyMs);
    switch (reply[0]) {
      case 'mine':
        return { kind: 'mine', id: reply[1], group: reply[2] };
      case 'theirs':
        return { kind: 'theirs', id: reply[1], group: reply[2], ageMs: reply[3], isDone: reply[4] === 1 };
      case 'reused':
        return { kind: 'reused' };
      case 'busy':
        return { kind: 'busy', forMs: reply[1] };
    }
  }

  /** Once for each `mine`, and each `theirs` that was not done. */
  async settle(scope: string, id: string, how: SettledHow): Promise<void> {
    await this.settleClaim(keyOf(scope), id, how);
  }
}

const keyOf = (scope: string): string => `sluice:idem:${scope}`;
