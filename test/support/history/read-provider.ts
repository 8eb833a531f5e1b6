import { Webhook } from 'standardwebhooks';
import type { RequestRecord } from '../../../apps/simulator/src/request-log.js';
import type { Entry, Hook } from './entry.js';
import { promptOf } from './read-exchange.js';

/** Calls and webhooks as the simulator logged them. @param hooks that jobs were submitted with, by job */
export function entriesOfProvider(
  records: readonly RequestRecord[],
  origin: string,
  hooks: ReadonlyMap<string, Hook>,
): Entry[] {
  return records.flatMap((record) => {
    if (record.route.startsWith('/hook/')) {
      const url = `${origin}${record.profile === null ? '' : `/@${record.profile}`}${record.route}`;
      return tryOf(url, record.headers ?? {}, String(record.body), (job) => hooks.get(job)?.secret, record.atMs);
    }
    const body =
      typeof record.body === 'object' && record.body !== null ? (record.body as Record<string, unknown>) : undefined;
    const { atMs, status, retryAfterMs } = record;
    const answeredAtMs = atMs + (record.headersMs ?? 0);
    const asksForTime = status === 429 && retryAfterMs !== null;
    return [
      {
        what: 'asked' as const,
        prompt: promptOf(body),
        deployment: record.profile ?? '',
        status,
        isWhole: status === 200 && record.outcome === 'completed',
        atMs,
        blocked: asksForTime ? { fromMs: answeredAtMs, untilMs: answeredAtMs + retryAfterMs } : undefined,
      },
    ];
  });
}

/** One webhook that came. @param secretOf a job's callback; undefined: not known */
export function tryOf(
  url: string,
  headers: Record<string, string | string[] | undefined>,
  body: string,
  secretOf: (job: string) => string | undefined,
  atMs: number,
): Entry[] {
  const webhookId = headers['webhook-id'];
  if (typeof webhookId !== 'string') return [];
  const event = JSON.parse(body) as { id: string; type: string; data?: { id?: string } };
  const job = event.data?.id ?? '';
  const secret = secretOf(job);
  const isSigned = secret === undefined ? undefined : isSignedWith(secret, headers, body);
  return [{ what: 'tried', url, webhookId, eventId: event.id, type: event.type, job, isSigned, atMs }];
}

/** Without the time that `verify` asks for: clocks of tests are where tests want them. */
function isSignedWith(secret: string, headers: Record<string, string | string[] | undefined>, body: string): boolean {
  const sent = new Date(Number(headers['webhook-timestamp']) * 1_000);
  const expected = new Webhook(secret).sign(String(headers['webhook-id']), sent, body);
  return String(headers['webhook-signature']).split(' ').includes(expected);
}
