import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { MASTER_KEY, startSluice, type SluiceUnderTest } from '../support/sluice.js';

let sluice: SluiceUnderTest;

beforeAll(async () => {
  const yaml = 'router_settings: {enable_pre_call_checks: false}'; // a body of 31 MiB is longer than any context
  sluice = await startSluice([{ profile: 'only' }], { yaml });
});
afterAll(() => sluice?.stop());
beforeEach(() => sluice.simulator.reset());

interface Told {
  status: number;
  error: { code: string; message: string; param: string | null };
  /** Since the test began. */
  providerCalls: number;
}

async function post(body: string | Uint8Array | ReadableStream, headers: Record<string, string> = {}): Promise<Told> {
  const response = await fetch(`${sluice.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${MASTER_KEY}`, 'content-type': 'application/json', ...headers },
    body,
    duplex: 'half',
  } as RequestInit);
  const answer = (await response.json()) as Pick<Told, 'error'>;
  return { status: response.status, providerCalls: sluice.simulator.stats().total, error: answer.error };
}

const refused = (message: string | RegExp, param: string | null = null): Told => ({
  status: 400,
  providerCalls: 0,
  error: {
    type: 'invalid_request_error',
    code: 'invalid_request',
    message: (typeof message === 'string'
      ? expect.stringContaining(message)
      : expect.stringMatching(message)) as unknown as string,
    param,
  } as Told['error'],
});

/** A good call with members that are not; written by hand where JSON.stringify would mend them. */
const body = (members: string): string =>
  `{"model":${JSON.stringify(sluice.group)},"messages":[{"role":"user","content":"Hi."}]${members === '' ? '' : `,${members}`}}`;

describe('a body that is none', () => {
  const deep = (levels: number): string => `"metadata":${'['.repeat(levels)}${']'.repeat(levels)}`;
  it.each<[string, string | Uint8Array<ArrayBuffer> | (() => string), RegExp]>([
    ['empty', '', /^The body must be a JSON object, but is missing[.]$/],
    ['text', 'hello', /^The body is not valid JSON[.]$/],
    ['cut off', '{"model": "gpt-4o", "mess', /^The body is not valid JSON \(at position 25\)[.]$/],
    ['followed by another', '{} {}', /^The body is not valid JSON \(at position 3\)[.]$/],
    ['invalid UTF-8', Uint8Array.of(0x7b, 0xff, 0x7d), /^The body is not valid UTF-8[.]$/],
    ['UTF-16', Buffer.from('{"a":1}', 'utf16le'), /^The body is not valid JSON/],
    ['an array', '[]', /^The body must be a JSON object, but is an empty array[.]$/],
    ['a string', '"{}"', /^The body must be a JSON object, but is a string of 2 characters[.]$/],
    ['a number', '1e999', /^The body must be a JSON object, but is Infinity[.]$/],
    ['null', 'null', /^The body must be a JSON object, but is null[.]$/],
    ['100,000 brackets', () => body(deep(100_000)), /^The body is nested too deeply: at most 200 levels[.]$/],
    ['100,000 open brackets', '['.repeat(100_000), /^The body is not valid JSON/],
    ['100,000 braces', `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`, /^The body is nested too deeply/],
  ])('(%s) is told what it must be', async (_, given, message) => {
    expect(await post(typeof given === 'function' ? given() : given)).toEqual(refused(message));
  });

  it.each(['application/xml', 'multipart/form-data; boundary=x', 'garbage', 'application/jsonp'])(
    'by its content-type (%s) is told which it must have',
    async (type) => {
      const told = await post(body(''), { 'content-type': type });
      expect(told).toEqual(refused('content-type: application/json'));
    },
  );

  it.each(['application/json; charset=utf-8', 'text/plain', 'application/x-www-form-urlencoded'])(
    'by its content-type only (%s) is read all the same',
    async (type) => {
      expect((await post(body(''), { 'content-type': type })).status).toBe(200);
    },
  );
});

describe('a member that is wrong', () => {
  it.each<[string, string, string]>([
    ['"stream":"true"', 'stream', 'stream must be true or false, but is a string of 4 characters.'],
    ['"stream":1', 'stream', 'stream must be true or false, but is 1.'],
    ['"stream_options":[]', 'stream_options', 'stream_options must be an object, but is an empty array.'],
    ['"n":0', 'n', 'n must be a whole number from 1 to 128, but is 0.'],
    ['"n":1.5', 'n', 'n must be a whole number from 1 to 128, but is 1.5.'],
    ['"n":"2"', 'n', 'n must be a whole number from 1 to 128, but is a string of 1 characters.'],
    ['"n":129', 'n', 'n must be a whole number from 1 to 128, but is 129.'],
    ['"temperature":3', 'temperature', 'temperature must be a number from 0 to 2, but is 3.'],
    ['"temperature":1e999', 'temperature', 'temperature must be a number from 0 to 2, but is Infinity.'],
    ['"temperature":{}', 'temperature', 'temperature must be a number from 0 to 2, but is an object.'],
    ['"top_p":-1', 'top_p', 'top_p must be a number from 0 to 1, but is -1.'],
    ['"max_tokens":0', 'max_tokens', 'max_tokens must be a whole number from 1 to 2147483647, but is 0.'],
    ['"max_tokens":1e300', 'max_tokens', 'max_tokens must be a whole number from 1 to 2147483647, but is 1e+300.'],
    ['"max_completion_tokens":"9"', 'max_completion_tokens', 'max_completion_tokens must be a whole number'],
    ['"timeout":-1', 'timeout', 'timeout must be a number of seconds, above 0'],
    ['"timeout":"5"', 'timeout', 'timeout must be a number of seconds, above 0'],
    ['"timeout":2073601', 'timeout', 'timeout must be a number of seconds, above 0 and at most 24 days.'],
    ['"num_retries":99', 'num_retries', 'num_retries must be a whole number from 0 to 19.'],
    ['"fallbacks":"gpt-4o"', 'fallbacks', 'fallbacks must be an array of at most 20 names of models'],
    ['"fallbacks":["nobody"]', 'fallbacks[0]', 'fallbacks[0] must be the name of a model that is configured here'],
    ['"fallbacks":[{"messages":[]}]', 'fallbacks[0].model', 'fallbacks[0].model must be the name of a model'],
    [
      '"fallbacks":[{"model":"MODEL","messages":[]}]',
      'fallbacks[0].messages',
      'fallbacks[0].messages must be a non-empty array',
    ],
    [
      '"fallbacks":[{"model":"MODEL","api_base":"http://x"}]',
      'fallbacks[0].api_base',
      'api_base may not be set in a fallback.',
    ],
    ['"fallbacks":[{"model":"MODEL","stream":true}]', 'fallbacks[0].stream', 'stream may not be set in a fallback.'],
    ['"fallbacks":["MODEL\\u00000"]', 'fallbacks[0]', 'fallbacks[0] must be the name of a model'],
    ['"disable_fallbacks":"yes"', 'disable_fallbacks', 'disable_fallbacks must be true or false.'],
    ['"api_key":"sk-mine"', 'api_key', 'api_key may not be set by a caller.'],
    ['"api_base":"http://a"', 'api_base', 'api_base may not be set by a caller.'],
    ['"__proto__":{"stream":true}', '__proto__', '__proto__ may not be set by a caller.'],
    ['"model":"a,b"', 'model', 'model must be one name: a list of models ("a,b") is not supported.'],
    ['"model":""', 'model', 'model must be a string of 1 to 512 characters, but is an empty string.'],
    ['"model":7', 'model', 'model must be a string of 1 to 512 characters, but is 7.'],
    ['"model":null', 'model', 'model must be a string of 1 to 512 characters, but is null.'],
    ['"messages":null', 'messages', 'messages must be a non-empty array, but is null.'],
    ['"messages":"Hi."', 'messages', 'messages must be a non-empty array, but is a string of 3 characters.'],
    ['"messages":[]', 'messages', 'messages must be a non-empty array, but is an empty array.'],
    ['"messages":{"0":{}}', 'messages', 'messages must be a non-empty array, but is an object.'],
    ['"messages":[null]', 'messages[0]', 'messages[0] must be an object, but is null.'],
    ['"messages":[{"content":"a"}]', 'messages[0].role', 'messages[0].role must be one of system, developer, user,'],
    ['"messages":[{"role":"boss"}]', 'messages[0].role', 'tool, function, but is a string of 4 characters.'],
    [
      '"messages":[{"role":"user","content":"a"},{"role":"user","content":5}]',
      'messages[1].content',
      'messages[1].content must be a string, an array of parts, or null, but is 5.',
    ],
  ])('(%s) is named, with what it must be and what it is', async (members, param, message) => {
    expect(await post(body(members.replaceAll('MODEL', sluice.group)))).toEqual(refused(message, param));
  });

  it.each([
    ['model', /^model must be .* but is missing[.]$/, '{"messages":[{"role":"user","content":"a"}]}'],
    ['messages', /^messages must be .* but is missing[.]$/, '{"model":"a"}'],
    ['model', /^model must be .* but is missing[.]$/, '{}'],
  ])('or missing (%s) is named too', async (param, message, text) => {
    expect(await post(text)).toEqual(refused(message, param));
  });
});

describe('a member that only a provider can judge', () => {
  it('travels on as it was written: large numbers, unknown members, deep values, null', async () => {
    const members = `"seed":12345678901234567890,"logit_bias":{"50256":-1e2},"x_new":${'['.repeat(150)}${']'.repeat(150)},"stop":null`;
    expect((await post(body(members))).status).toBe(200);
    const [call] = sluice.simulator.requests({});
    expect(call?.body).toMatchObject({ logit_bias: { '50256': -100 }, stop: null, x_new: expect.any(Array) });
  });

  it('and is written twice has the value that JSON.parse gives it, for every reader', async () => {
    expect((await post(body('"stream":true,"stream":false,"model":"nobody","user":"a","user":"b"'))).status).toBe(404);
    expect((await post(body(`"stream":true,"stream":false,"user":"a","user":"b"`))).status).toBe(200);
    const [call] = sluice.simulator.requests({});
    expect(call?.body).toMatchObject({ model: 'gpt-4o', user: 'b' });
  });

  it('named like a part of JavaScript harms nobody', async () => {
    const members =
      '"constructor":{"prototype":{"x":1}},"toString":1,"hasOwnProperty":null,"metadata":{"__proto__":{"polluted":"yes"}}';
    expect((await post(body(members))).status).toBe(200);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});

describe('a body that is too large', () => {
  const mebibytes = (n: number): Buffer => Buffer.alloc(n * 1024 * 1024, ' ');
  it('is refused, whoever says its length or not, and the connection survives it', async () => {
    const told = { status: 413, error: { code: 'request_too_large', type: 'invalid_request_error' } };
    const said = await post(mebibytes(40));
    expect(said).toMatchObject(told);
    expect(said.error.message).toBe('The body is larger than 32 MiB (general_settings.max_request_size_mb).');
    const parts = [16, 16, 8];
    const pull = (stream: ReadableStreamDefaultController): void => {
      const next = parts.shift();
      if (next === undefined) stream.close();
      else stream.enqueue(mebibytes(next));
    };
    expect(await post(new ReadableStream({ pull }))).toMatchObject(told);
    expect((await sluice.call({})).status).toBe(200);
  });

  it('just below the limit is served', async () => {
    const text = 'a'.repeat(31 * 1024 * 1024);
    sluice.simulator.setProfile('only', { log: 'none' });
    expect((await post(body(`"messages":[{"role":"user","content":"${text}"}]`))).status).toBe(200);
  });
});

describe('a header that steers the call', () => {
  it.each<[string, string, string]>([
    ['x-sluice-timeout', 'soon', 'x-sluice-timeout must be seconds or a duration like 500ms, 15m, 7d'],
    ['x-sluice-timeout', '0', 'x-sluice-timeout must be seconds'],
    ['x-sluice-timeout', '-5', 'x-sluice-timeout must be seconds'],
    ['x-sluice-timeout', '', 'x-sluice-timeout must be seconds'],
    ['x-sluice-stream-timeout', '1y', 'x-sluice-stream-timeout must be seconds'],
    [
      'x-sluice-deadline',
      '25d',
      'x-sluice-deadline must be seconds or a duration like 500ms, 15m, 7d, above 0 and at most 24d.',
    ],
    ['x-sluice-queue-ttl', '1e9', 'x-sluice-queue-ttl must be seconds'],
    ['x-sluice-max-attempts', '0', 'x-sluice-max-attempts must be a whole number from 1 to 20.'],
    ['x-sluice-max-attempts', '2.5', 'x-sluice-max-attempts must be a whole number from 1 to 20.'],
    ['x-litellm-num-retries', 'many', 'x-litellm-num-retries must be a whole number from 0 to 19.'],
    ['x-litellm-timeout', 'x', 'x-litellm-timeout must be seconds'],
    ['x-sluice-when-full', 'Queue', 'x-sluice-when-full must be one of queue, reject.'],
    ['x-sluice-priority', 'urgent', 'x-sluice-priority must be one of high, normal, low.'],
    ['x-sluice-tenant', 'two words', 'x-sluice-tenant must be 1 to 128 printable ASCII characters without spaces.'],
    ['x-sluice-on-disconnect', 'stop', 'x-sluice-on-disconnect must be one of cancel, continue.'],
    ['x-sluice-fallbacks', 'nobody', 'x-sluice-fallbacks must be none, or at most 20 names of models'],
    ['x-sluice-fallbacks', ',', 'x-sluice-fallbacks must be none, or at most 20 names of models'],
    ['prefer', 'wait=long', 'prefer must be wait=N with N in seconds.'],
  ])('(%s: %s) is named, with what it must be', async (name, value, message) => {
    const response = await sluice.call({}, { [name]: value });
    const { error } = (await response.json()) as Told;
    expect({ status: response.status, code: error.code, param: error.param }).toEqual({
      status: 400,
      code: 'invalid_header',
      param: name,
    });
    expect(error.message).toContain(message);
  });

  it('is understood in each of its forms', async () => {
    const response = await sluice.call(
      {},
      {
        'x-sluice-timeout': '500ms',
        'x-litellm-timeout': '7',
        'x-sluice-deadline': '0.5',
        'x-sluice-queue-ttl': '1m',
        'x-sluice-stream-timeout': '2s',
        'x-sluice-max-attempts': '1',
        'x-sluice-fallbacks': 'none',
        'x-sluice-when-full': 'reject',
        'x-sluice-priority': 'high',
        'x-sluice-on-disconnect': 'cancel',
        prefer: 'respond-async; foo, wait="10"',
      },
    );
    expect(response.status).toBe(200);
    expect(response.headers.get('x-litellm-max-retries')).toBe('0');
  });
});
