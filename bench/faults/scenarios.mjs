/**
 * The sixteen scenarios. `first` and `second` are the simulator's rules for the group's one deployment and for that of its
 * fallback; what is not said is healthy. `ideal` is judged by judge.mjs:
 *
 *   outcome        `answer`, or the codes of the errors that are right
 *   withinMs       until the end · `contentWithinMs` until the first content of a stream
 *   first, second  most calls that the deployment needs to see
 *
 * `hitsAll`: another tenant's calls fail as well; else only calls of the scenario's own form do.
 */
const TOKENS = 40;
/** Both deployments say the same, so that the caller's text can be compared, whoever served and went on. */
export const TEXT = Array.from({ length: TOKENS }, (_, i) => `w${String(i).padStart(2, '0')} `)
  .join('')
  .trimEnd();

const always = (deed) => ({ rules: [{ do: deed }] });
const once = (deed) => ({ rules: [{ times: 1, do: deed }] });
const BOTH = ['JSON', 'stream'];
/** Two thirds into the answer's first half: the caller has some of it, and there is more to come. */
const CUT_AT = 12;

export const SCENARIOS = [
  {
    number: 1,
    name: '429 with Retry-After, once',
    forms: BOTH,
    first: once({ kind: 'rate_limit', retryAfterMs: 2_000 }),
    ideal: { outcome: 'answer', withinMs: 5_000, first: 2, second: 1 },
  },
  {
    number: 2,
    name: '429 with Retry-After, for ever',
    forms: BOTH,
    calls: { count: 4, everyMs: 500 },
    first: always({ kind: 'rate_limit', retryAfterMs: 30_000 }),
    ideal: { outcome: 'answer', withinMs: 3_000, first: 1, second: 4 },
  },
  {
    number: 3,
    name: '500, then 200',
    forms: BOTH,
    first: once({ kind: 'server' }),
    ideal: { outcome: 'answer', withinMs: 3_000, first: 2, second: 1 },
  },
  {
    number: 4,
    name: '503 for ever, the fallback too',
    forms: BOTH,
    hitsAll: true,
    first: always({ kind: 'overloaded' }),
    second: always({ kind: 'overloaded' }),
    ideal: { outcome: ['provider_overloaded', 'no_deployment_available'], withinMs: 15_000, first: 3, second: 3 },
  },
  {
    number: 5,
    name: 'connection reset',
    forms: BOTH,
    first: always({ resetBeforeHeaders: true }),
    ideal: { outcome: 'answer', withinMs: 5_000, first: 3, second: 1 },
  },
  {
    number: 6,
    name: 'no response',
    forms: BOTH,
    first: always({ hang: true }),
    ideal: { outcome: 'answer', withinMs: 32_000, first: 1, second: 1 },
  },
  {
    number: 7,
    name: 'slow first token (25 s)',
    forms: BOTH,
    first: always({ stallAfter: 0, stallMs: 25_000 }),
    ideal: { outcome: 'answer', withinMs: 15_000, first: 1, second: 1 },
  },
  {
    number: 8,
    name: 'cut in mid-answer',
    forms: BOTH,
    first: always({ cutAfter: CUT_AT }),
    ideal: { outcome: 'answer', withinMs: 8_000, first: 3, second: 1 },
  },
  {
    number: 9,
    name: 'stalled in mid-answer',
    forms: BOTH,
    first: always({ stallAfter: CUT_AT }),
    ideal: { outcome: 'answer', withinMs: 33_000, first: 1, second: 1 },
  },
  {
    number: 10,
    name: 'malformed chunk',
    forms: BOTH,
    first: always({ malformedAfter: CUT_AT }),
    ideal: { outcome: 'answer', withinMs: 8_000, first: 3, second: 1 },
  },
  {
    number: 11,
    name: 'no [DONE]',
    forms: ['stream'],
    first: always({ noDone: true }),
    ideal: { outcome: 'answer', withinMs: 2_000, first: 1, second: 0 },
  },
  {
    number: 12,
    name: 'context too long',
    forms: BOTH,
    first: always({ kind: 'context_length' }),
    ideal: { outcome: 'answer', withinMs: 2_000, first: 1, second: 1 },
  },
  {
    number: 13,
    name: 'content filter, with only a general fallback',
    forms: BOTH,
    first: always({ kind: 'content_filter' }),
    ideal: { outcome: ['content_filter'], withinMs: 2_000, first: 1, second: 0 },
  },
  {
    number: 14,
    name: 'cut in mid-answer, the fallback takes no prefill',
    forms: ['stream'],
    first: always({ cutAfter: CUT_AT }),
    second: { answer: { text: TEXT, prefill: 'reject' } },
    ideal: { outcome: 'answer', withinMs: 8_000, first: 3, second: 2 },
  },
  {
    number: 15,
    name: 'flaps: 5 s up, 5 s down',
    hitsAll: true,
    isLong: true,
    forms: BOTH,
    calls: { count: 120, everyMs: 250 },
    first: {
      rules: [5, 15, 25].map((s) => ({ match: { fromMs: s * 1_000, toMs: (s + 5) * 1_000 }, do: { kind: 'server' } })),
    },
    // In each of its three bad times: what opens the breaker, and the probes.
    ideal: { outcome: 'answer', withinMs: 3_000, first: 120, second: 120, firstFailed: 30 },
  },
  {
    number: 16,
    name: '503 for a minute, behind a fallback',
    hitsAll: true,
    isLong: true,
    forms: BOTH,
    calls: { count: 120, everyMs: 500 },
    first: always({ kind: 'overloaded' }),
    // Four until the breaker opens, then a probe every two seconds; a gateway without a breaker makes 360 calls.
    ideal: { outcome: 'answer', withinMs: 3_000, first: 36, second: 120 },
  },
].map((scenario) => ({ calls: { count: 1, everyMs: 0 }, second: {}, ...scenario }));
