import { accessSync, constants } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { node, run } from '../machine/processes.mjs';
import { BODIES } from './calls.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const PATH = '/v1/chat/completions';
const LATE_MS = 30_000;

/** Behind a gateway wrk takes 25–40 µs of CPU a call, the raw-socket client 40–125 µs: on two cores the result shows it. */
const hasWrk = process.env.PATH.split(delimiter).some((dir) => isExecutable(join(dir, 'wrk')));

export const loadTool = hasWrk ? 'wrk, streams by a raw-socket client' : 'a raw-socket client';

/**
 * Keeps `concurrency` calls in the air for so many seconds, each sent when the one before it is answered.
 * @param kind a name of BODIES · headers: what the system wants beside the body
 * @returns calls answered · seconds · rps · p50Ms, p99Ms · errors, troubles by kind · firstP50Ms, firstP99Ms: to the first
 * content of streams
 */
export async function load({ origin, headers, kind, concurrency, seconds }) {
  const all = { 'content-type': 'application/json', ...headers };
  // Only the client looks into a stream: when its content began, and whether it came to its end.
  const result = await (hasWrk && kind === 'json' ? byWrk : byClient)({ origin, all, kind, concurrency, seconds });
  return { ...result, rps: result.calls / result.seconds };
}

async function byWrk({ origin, all, kind, concurrency, seconds }) {
  const args = ['-t1', `-c${concurrency}`, `-d${Math.max(1, Math.round(seconds))}s`, '--timeout', '30s'];
  args.push('-s', join(here, 'wrk.lua'), `${origin}${PATH}`, '--', BODIES[kind], ...Object.entries(all).flat());
  const output = await run('wrk', args, { withinMs: seconds * 1_000 + LATE_MS });
  return JSON.parse(/^RESULT (.*)$/m.exec(output)[1]);
}

async function byClient({ origin, all, kind, concurrency, seconds }) {
  const body = BODIES[kind];
  const lines = Object.entries({ host: new URL(origin).host, 'content-length': Buffer.byteLength(body), ...all });
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  const request = `POST ${PATH} HTTP/1.1\r\n${head}\r\n${body}`;
  const plan = JSON.stringify({ origin, request, concurrency, seconds });
  return JSON.parse(await run(node, [join(here, 'load-client.mjs'), plan], { withinMs: seconds * 1_000 + LATE_MS }));
}

/**
 * One call of each kind, read in full: a gateway that is fast at answering errors or half a stream is found out here.
 * @throws Error that says what was wrong
 */
export async function proveItAnswers({ origin, headers }, kinds) {
  for (const kind of kinds) {
    const response = await fetch(`${origin}${PATH}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: BODIES[kind],
      signal: AbortSignal.timeout(LATE_MS),
    });
    const text = await response.text();
    const isWhole =
      kind === 'json'
        ? /"content": ?"Hello, benchmark/.test(text)
        : /word9"[^]*\[DONE\]/.test(text) && !/"error"/.test(text);
    if (response.status !== 200 || !isWhole) {
      throw new Error(`${origin} answered ${kind} with ${response.status}: ${text.slice(0, 1_000)}`);
    }
  }
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
