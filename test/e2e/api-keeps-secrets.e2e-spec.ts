import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createSimulator, type Simulator } from '../../apps/simulator/src/create-simulator.js';
import { eventually } from '../eventually.js';
import { sendRaw } from '../support/raw-http.js';
import { buildSluice, SluiceProcess, temporaryFolder } from '../support/sluice-process.js';

/** Whatever is said about a call must hold none of these. */
const MASTER_KEY = 'sk-master-of-this-test';
const PROVIDER_KEY = 'sk-provider-leaky';
const STRANGERS_KEY = 'sk-of-a-stranger-1234567890';
const PROMPT = 'the plan to move the harbour to Basel';
const ANSWER = 'it will be dug by night';

/** What a careless provider does: it quotes key and prompt in its errors. */
const quoting = { error: { message: `Key ${PROVIDER_KEY} may not ask: ${PROMPT}`, type: 'x', code: 'quoted' } };
const FAULTS: Record<string, object> = {
  'answers well': {},
  'refuses the request': { status: 400, body: quoting },
  'refuses the key': { status: 401, body: quoting },
  'knows no model': { status: 404, body: quoting },
  'is limited': { status: 429, body: quoting, headers: { 'retry-after-ms': '10' } },
  fails: { status: 500, body: quoting },
  'fails in text': { status: 503, body: `${PROVIDER_KEY} ${PROMPT}` },
  'answers no JSON': { status: 200, body: `{"id": "${PROMPT} ${PROVIDER_KEY}` },
  'answers a page': { status: 200, body: `<html>${PROMPT} ${PROVIDER_KEY}</html>`, contentType: 'text/html' },
  'answers another shape': { status: 200, body: { choices: PROMPT, key: PROVIDER_KEY } },
  'cuts the connection': { resetBeforeHeaders: true },
  'breaks off': { cutAfter: 2 },
  stutters: { malformedAfter: 1 },
  'errs in the stream': { errorAfter: 1, kind: 'server' },
};

const modelOf = (fault: number): string => `secret-${process.pid}-${fault}`;

let simulator: Simulator;
let sluice: SluiceProcess;
const answers: string[] = [];

beforeAll(async () => {
  buildSluice();
  simulator = await createSimulator();
  const cwd = temporaryFolder();
  // A deployment for each fault: what is refused once may be left out for minutes.
  const models = Object.values(FAULTS).map((fault, i) => {
    simulator.setProfile(`leaky${i}`, { answer: { text: ANSWER }, rules: [{ do: fault }] });
    const base = `${simulator.origin}/@leaky${i}/v1`;
    return `  - {model_name: ${modelOf(i)}, litellm_params: {model: openai/m, api_base: "${base}", api_key: ${PROVIDER_KEY}}}`;
  });
  const settings = `sluice: {outage_wait: 0}\nlitellm_settings: {num_retries: 0}\ngeneral_settings: {master_key: ${MASTER_KEY}}`;
  writeFileSync(join(cwd, 'config.yaml'), `model_list:\n${models.join('\n')}\n${settings}\n`);
  const env = { REDIS_URL: process.env['REDIS_URL'], LOG_LEVEL: 'trace' };
  sluice = await SluiceProcess.run(['start', '--port', '0'], { cwd, env }).untilUp();
  await makeCalls();
  await sluice.end('SIGTERM');
}, 60_000);
afterAll(async () => {
  await sluice?.end('SIGKILL');
  await simulator?.stop();
});

async function makeCalls(): Promise<void> {
  const send = async (
    body: string,
    headers: Record<string, string> = {},
    path = '/v1/chat/completions',
  ): Promise<void> => {
    const sent = { 'content-type': 'application/json', authorization: `Bearer ${MASTER_KEY}`, ...headers };
    const response = await fetch(sluice.origin + path, { method: 'POST', headers: sent, body });
    answers.push(await response.text());
  };
  const body = (extra: object = {}): string =>
    JSON.stringify({ model: modelOf(0), messages: [{ role: 'user', content: PROMPT }], ...extra });

  const reject = { 'x-sluice-when-full': 'reject' };
  for (let i = 0; i < Object.keys(FAULTS).length; i++) {
    for (const stream of [true, false]) await send(body({ model: modelOf(i), stream }), reject);
  }
  await send(body(), { authorization: `Bearer ${STRANGERS_KEY}` });
  await send(body().slice(0, -3));
  await send(body({ messages: PROMPT }));
  await send(body({ messages: [{ role: PROMPT }] }));
  await send(body({ api_key: STRANGERS_KEY }));
  await send(`{"a":"\ud800${PROMPT}"`);
  await send(body(), { 'x-sluice-timeout': STRANGERS_KEY });
  await send(body(), { 'x-request-id': `${PROMPT}` });
  await send(body(), {}, `/v1/nowhere?key=${STRANGERS_KEY}&q=${encodeURIComponent(PROMPT)}`);
  await sendRaw(sluice.origin, `GARBAGE ${PROMPT} ${STRANGERS_KEY}\r\n\r\n`);
}

describe('everything that Sluice writes at LOG_LEVEL=trace', () => {
  it('is about the calls: each failure has its line', async () => {
    const written = (): string => sluice.stdout + sluice.stderr;
    await eventually(() => written().includes('worker.drained'), { withinMs: 5_000, what: 'the last line' });
    const kinds = [...written().matchAll(/"event":"attempt.failed".*?"kind":"(\w+)"/g)].map(([, kind]) => kind!);
    expect([...new Set(kinds)].toSorted()).toEqual([
      'auth',
      'bad_request',
      'malformed',
      'network',
      'not_found',
      'overloaded',
      'rate_limit',
      'server',
      'stream_broken',
    ]);
    expect(written()).toContain('"event":"job.finished"');
  });

  it.each([MASTER_KEY, PROVIDER_KEY, STRANGERS_KEY, PROMPT, ANSWER])('does not hold %s', (secret) => {
    const lines = (sluice.stdout + sluice.stderr).split('\n');
    expect(lines.filter((line) => line.includes(secret))).toEqual([]);
  });

  it('holds no stack and no path of this machine', () => {
    expect(sluice.stderr).not.toMatch(/\n\s+at |\\n\s+at /);
    expect(sluice.stderr).not.toContain(process.cwd());
  });
});

describe('everything that Sluice answers', () => {
  it('was looked at, good and bad', () => {
    expect(answers.filter((text) => text.includes(ANSWER) || text.includes('chat.completion')).length).toBeGreaterThan(
      0,
    );
    expect(answers.filter((text) => text.includes('"error"')).length).toBeGreaterThan(20);
  });

  it.each([MASTER_KEY, PROVIDER_KEY, STRANGERS_KEY])('does not hold %s', (secret) => {
    expect(answers.filter((text) => text.includes(secret))).toEqual([]);
  });
});
