import { describe, expect, it } from '@jest/globals';
import { ScriptError } from './checks.js';
import { patched, readScript } from './script.js';

const problemOf = (script: unknown): { member: string; message: string } => {
  try {
    readScript(script);
  } catch (error) {
    if (error instanceof ScriptError) return { member: error.member, message: error.message };
    throw error;
  }
  throw new Error('the script was taken');
};

describe('a script', () => {
  it('has a default for every member', () => {
    expect(readScript({})).toEqual({
      seed: 1,
      latency: { p50: null, p95: null, p99: null },
      tokensPerSecond: null,
      tokensPerChunk: 1,
      log: 'full',
      answer: {
        text: null,
        tokens: 50,
        toolCalls: [],
        reasoning: null,
        finish: 'stop',
        cachedTokens: 0,
        prefill: 'continue',
        goesOn: 'after',
      },
      limits: { rpm: null, tpm: null, concurrency: null, windowMs: 60_000, window: 'fixed', retryAfter: 's' },
      auth: { key: null, sigv4: null },
      rules: [],
    });
  });

  it('is what it was when it is read again', () => {
    const read = readScript({
      seed: 1,
      latency: { p50: 200, p95: 800, p99: 2000 },
      tokensPerSecond: 80,
      limits: { rpm: 60, tpm: 9000, concurrency: 8, windowMs: 60_000, window: 'sliding', retryAfter: 'date' },
      answer: { text: null, reasoning: null, toolCalls: [{ name: 'geo', arguments: { n: 1 } }] },
      auth: { key: 'k' },
      rules: [
        { match: { model: 'gpt*', stream: true }, probability: 0.05, do: { cutAfter: 12, cutHow: 'rst' } },
        { sequence: [{ status: 529 }, { kind: 'rate_limit', retryAfterMs: 1500 }, 'ok'] },
        {
          match: { fromMs: 1, toMs: 2, nth: [1], every: 2 },
          times: 3,
          do: { headers: { 'X-A': ['1', '2'], date: null } },
        },
      ],
    });
    expect(readScript(JSON.parse(JSON.stringify(read)))).toEqual(read);
  });

  it.each([
    [[], '', 'the script must be an object, but is [].'],
    ['x', '', 'the script must be an object, but is "x".'],
    [{ sped: 1 }, 'sped', 'sped is unknown: the script takes seed, latency,'],
    [{ seed: -1 }, 'seed', 'seed must be a whole number from 0 to 4294967295, but is -1.'],
    [{ latency: { p50: '1' } }, 'latency.p50', 'latency.p50 must be a number from 0 up, but is "1".'],
    [{ latency: { p95: 5 } }, 'latency.p50', 'what p95 and p99 start from, but is absent.'],
    [{ latency: { p50: 9, p95: 5 } }, 'latency.p95', 'latency.p95 must be at least p50 (9), but is 5.'],
    [{ latency: { p50: 0, p99: 5 } }, 'latency.p50', 'latency.p50 must be above 0 when p99 is, but is 0.'],
    [{ tokensPerSecond: 0 }, 'tokensPerSecond', 'must be a number from 0.001 up'],
    [{ tokensPerChunk: 1.5 }, 'tokensPerChunk', 'must be a whole number from 1 up, but is 1.5.'],
    [{ log: 'all' }, 'log', 'log must be one of full, meta, none, but is "all".'],
    [{ answer: { toolCalls: [{ name: 1 }] } }, 'answer.toolCalls[0].name', 'must be a string, but is 1.'],
    [{ answer: { prefill: true } }, 'answer.prefill', 'one of continue, ignore, reject'],
    [{ limits: { rpm: 1.5 } }, 'limits.rpm', 'must be a whole number from 0 up'],
    [{ limits: { window: 'rolling' } }, 'limits.window', 'one of fixed, sliding'],
    [{ limits: { retryAfter: 'header' } }, 'limits.retryAfter', 'one of s, ms, date, body, none'],
    [{ auth: { sigv4: { id: 'a' } } }, 'auth.sigv4', 'belongs to Bedrock'],
    [{ rules: {} }, 'rules', 'rules must be an array, but is {}.'],
    [{ rules: [{}] }, 'rules[0]', 'rules[0] says nothing to do: give it do, or sequence.'],
    [{ rules: [{ do: 'ok', sequence: ['ok'] }] }, 'rules[0].sequence', 'give it one of them'],
    [{ rules: [{ sequence: [] }] }, 'rules[0].sequence', 'an array with at least one entry'],
    [{ rules: [{ do: { kind: 'flood' } }] }, 'rules[0].do.kind', 'must be one of bad_request, auth,'],
    [{ rules: [{ do: {}, probability: 2 }] }, 'rules[0].probability', 'must be a number from 0 to 1, but is 2.'],
    [{ rules: [{ do: {}, match: { nth: [0] } }] }, 'rules[0].match.nth[0]', 'must be a whole number from 1 up'],
    [{ rules: [{ do: {}, match: { fromMs: 5, toMs: 5 } }] }, 'rules[0].match.toMs', 'must be above fromMs (5)'],
    [{ rules: [{ sequence: ['ok', { status: 99 }] }] }, 'rules[0].sequence[1].status', 'from 200 to 599, but is 99.'],
    [{ rules: [{ do: { stall: 3 } }] }, 'rules[0].do.stall', 'rules[0].do.stall is unknown: rules[0].do takes kind,'],
    [{ rules: [{ do: { stallMs: 3 } }] }, 'rules[0].do.stallMs', 'needs stallAfter'],
    [{ rules: [{ do: { cutHow: 'fin' } }] }, 'rules[0].do.cutHow', 'needs cutAfter'],
    [{ rules: [{ do: { cutAfter: 1, cutHow: 'tls' } }] }, 'rules[0].do.cutHow', 'one of fin, rst'],
    [{ rules: [{ do: { errorAfter: 1, kind: 'network' } }] }, 'rules[0].do.kind', 'when errorAfter is set'],
    [{ rules: [{ do: { badCrc: true } }] }, 'rules[0].do.badCrc', 'belongs to Bedrock'],
    [{ rules: [{ do: { headers: { 'a b': '1' } } }] }, 'rules[0].do.headers', 'header names and values'],
    [{ rules: [{ do: { headers: { a: 'x\r\ny' } } }] }, 'rules[0].do.headers.a', 'without control characters'],
    [{ rules: [{ do: { badLength: 'x' } }] }, 'rules[0].do.badLength', 'content-length is off by'],
  ])('%j is refused at %s', (script, member, words) => {
    const problem = problemOf(script);
    expect(problem.member).toBe(member);
    expect(problem.message).toContain(words);
  });

  it('is patched member by member, and null takes one away', () => {
    const script = { seed: 2, answer: { text: 'a', tokens: 3 }, rules: [{ do: 'ok' }] };
    const patch = { answer: { text: null, finish: 'length' }, rules: [], log: 'none' };
    expect(patched(script, patch)).toEqual({
      seed: 2,
      answer: { tokens: 3, finish: 'length' },
      rules: [],
      log: 'none',
    });
  });
});
