import { Agent, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';

/** In the prompt, since every gateway hands it on: joins a call with what the simulator says of it. */
export const markerOf = (n) => `Call number ${n}.`;
const MARKER = /Call number (\d+)\./;
export const numberIn = (body) => Number(MARKER.exec(JSON.stringify(body))?.[1] ?? NaN);

/**
 * Sends calls at a steady rate, whether or not the ones before have been answered, and waits for all of them.
 * @returns {n, sentAtMs since the first, durationMs, isGood, trouble} of each
 */
export async function openLoop({ origin, headers, group, perSecond, seconds, timeoutMs, isStream }) {
  const agent = new Agent({ keepAlive: true });
  const startedAt = performance.now();
  const calls = [];
  for (let n = 0; n < perSecond * seconds; n++) {
    const dueAt = startedAt + (n * 1_000) / perSecond;
    await pause(Math.max(0, dueAt - performance.now()));
    calls.push(oneCall(n, performance.now() - startedAt));
  }
  const ended = await Promise.all(calls);
  agent.destroy();
  return ended;

  async function oneCall(n, sentAtMs) {
    const sentAt = performance.now();
    const messages = [{ role: 'user', content: markerOf(n) }];
    const body = JSON.stringify({ model: group, messages, ...(isStream ? { stream: true } : {}) });
    const trouble = await post({ url: `${origin}/v1/chat/completions`, headers, body, agent, timeoutMs }).then(
      isStream ? troubleInStream : troubleIn,
      (error) => (error.name === 'AbortError' ? 'client timeout' : error.message),
    );
    return { n, sentAtMs, durationMs: performance.now() - sentAt, isGood: trouble === undefined, trouble };
  }
}

/** By node:http: at ten calls a second nothing is warm, and fetch would add two milliseconds of its own. */
function post({ url, headers, body, agent, timeoutMs }) {
  return new Promise((resolve, reject) => {
    const length = Buffer.byteLength(body);
    const all = { 'content-type': 'application/json', 'content-length': length, ...headers };
    const options = { method: 'POST', agent, headers: all, signal: AbortSignal.timeout(timeoutMs) };
    const sent = request(url, options, (response) => {
      text(response).then((answer) => resolve({ status: response.statusCode, answer }), reject);
    });
    sent.once('error', reject);
    sent.end(body);
  });
}

/** Undefined for a whole answer. */
function troubleIn({ status, answer }) {
  const shown = answer.slice(0, 200);
  if (status !== 200) return `${status} ${shown}`;
  try {
    const content = JSON.parse(answer).choices?.[0]?.message?.content;
    return typeof content === 'string' && content.length > 0 ? undefined : `no content in ${shown}`;
  } catch {
    return `no JSON: ${shown}`;
  }
}

/** Undefined for a stream with a finish and `[DONE]`, and no error on the way. */
function troubleInStream({ status, answer }) {
  if (status !== 200) return `${status} ${answer.slice(0, 200)}`;
  const error = /^data: (\{"error".*)$/m.exec(answer);
  if (error !== null) return `error event ${error[1].slice(0, 200)}`;
  if (!/"finish_reason":"\w+"/.test(answer)) return 'no finish';
  return /^data: \[DONE\]$/m.test(answer) ? undefined : 'no [DONE]';
}
