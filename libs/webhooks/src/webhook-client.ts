import { setTimeout as pause } from 'node:timers/promises';
import { isSuccess, type NoAnswer, type TryOutcome } from '@sluice/core';
import { Agent, request, type Dispatcher } from 'undici';
import { AddressRules, type AddressSettings } from './guard/address-rules.js';
import { urlProblem } from './guard/check-url.js';
import { BlockedAddressError, guardedConnector, UnresolvedHostError } from './guard/guarded-connector.js';
import { hostResolver, type ResolveHost } from './guard/resolve-host.js';

/** From the first packet to the head of the answer. */
const HEAD_WITHIN_MS = 15_000;
const MOST_HEADER_BYTES = 16 * 1024;
/** Read so that the connection can be used again; nobody looks at it. */
const MOST_BODY_BYTES = 16 * 1024;
const BODY_WITHIN_MS = 1_000;

export interface WebhookClientOptions {
  addresses: AddressSettings;
  /** Redis TIME. */
  nowMs: () => number;
  /** For tests: names of their own. */
  resolve?: ResolveHost;
  headWithinMs?: number;
}

/** Posts to addresses that callers chose. Redirects are not followed: they would lead past the guard, and the body with them. */
export class WebhookClient {
  private rules: AddressRules;
  private readonly agent: Agent;
  private readonly headWithinMs: number;

  constructor(private readonly options: WebhookClientOptions) {
    this.rules = new AddressRules(options.addresses);
    this.headWithinMs = options.headWithinMs ?? HEAD_WITHIN_MS;
    this.agent = new Agent({
      connect: guardedConnector(() => this.rules, options.resolve ?? hostResolver()),
      headersTimeout: this.headWithinMs,
      bodyTimeout: BODY_WITHIN_MS,
      maxHeaderSize: MOST_HEADER_BYTES,
      pipelining: 1,
    });
  }

  /** From the next connection on. */
  use(addresses: AddressSettings): void {
    this.rules = new AddressRules(addresses);
  }

  /** Never rejects. */
  async post(url: string, headers: Record<string, string>, body: string): Promise<TryOutcome> {
    if (urlProblem(url, this.rules) !== undefined) return { kind: 'unanswered', error: 'blocked_address' };
    const late = AbortSignal.timeout(this.headWithinMs);
    try {
      const answer = await request(url, {
        method: 'POST',
        dispatcher: this.agent,
        headers: { 'content-type': 'application/json', 'user-agent': 'Sluice-Webhooks/1', ...headers },
        body,
        signal: late,
      });
      await drop(answer.body);
      const outcome = { kind: 'answered', status: answer.statusCode } as const;
      const retryAfterMs = isSuccess(outcome) ? undefined : this.retryAfterMs(answer.headers['retry-after']);
      return retryAfterMs === undefined ? outcome : { ...outcome, retryAfterMs };
    } catch (error) {
      return { kind: 'unanswered', error: late.aborted ? 'timeout' : noAnswerOf(error) };
    }
  }

  /** Whole seconds, or a date. */
  private retryAfterMs(header: string | string[] | undefined): number | undefined {
    const text = Array.isArray(header) ? header[0] : header;
    if (text === undefined) return undefined;
    if (/^\d+$/.test(text)) return Number(text) * 1_000;
    const at = Date.parse(text);
    return Number.isNaN(at) ? undefined : at - this.options.nowMs();
  }

  async stop(): Promise<void> {
    await this.agent.destroy();
  }
}

/** The status is known: what the body says, or whether it ever ends, changes nothing. */
async function drop(body: Dispatcher.ResponseData['body']): Promise<void> {
  const over = new AbortController();
  const tooLate = pause(BODY_WITHIN_MS, undefined, { signal: over.signal }).catch(() => undefined);
  const read = async (): Promise<void> => {
    let bytes = 0;
    for await (const part of body) {
      bytes += (part as Buffer).length;
      if (bytes >= MOST_BODY_BYTES) return;
    }
  };
  await Promise.race([read().catch(() => undefined), tooLate]);
  over.abort();
  body.on('error', () => undefined).destroy();
}

/** undici's names, Node's codes. */
function noAnswerOf(error: unknown): NoAnswer {
  if (error instanceof BlockedAddressError) return 'blocked_address';
  if (error instanceof UnresolvedHostError) return 'dns_failed';
  const { name = '', code = '' } = error as { name?: string; code?: string };
  if (/Timeout/.test(name) || code === 'ETIMEDOUT') return 'timeout';
  if (/^HTTPParserError|^HeadersOverflowError|^RequestContentLengthMismatch/.test(name)) return 'malformed_answer';
  return /CERT|^ERR_(?:TLS|SSL)|SIGNATURE|^EPROTO$|SELF_SIGNED/.test(code) ? 'tls_failed' : 'connection_failed';
}
