import { Agent, request } from 'node:http';
import { HANG_MS } from './judge.mjs';

/** Each call on a connection of its own: a connection that a gateway breaks must not break another call. */
const agent = new Agent({ keepAlive: false, maxSockets: Infinity });

/**
 * One call as an application makes it.
 * @returns status, code of the error, text so far, firstContentMs, endMs; looksWhole: a client would take it for the answer;
 *   trouble: what the connection did
 */
export async function callOnce({ origin, headers, group, isStream }) {
  const startedAt = performance.now();
  const got = {
    status: undefined,
    code: undefined,
    text: '',
    looksWhole: false,
    trouble: undefined,
    servedBy: undefined,
  };
  const since = () => performance.now() - startedAt;
  const messages = [{ role: 'user', content: `Say your forty words, ${group}.` }];
  const body = JSON.stringify({ model: group, messages, ...(isStream ? { stream: true } : {}) });
  const note = (chunk) => {
    if (chunk === '') return;
    got.firstContentMs ??= since();
    got.text += chunk;
  };
  try {
    const response = await send(`${origin}/v1/chat/completions`, headers, body);
    got.status = response.statusCode;
    got.servedBy = response.headers['x-litellm-model-id'];
    response.setEncoding('utf8');
    if (isStream && response.statusCode === 200) await readStream(response, got, note);
    else await readJson(response, got, note);
  } catch (error) {
    got.trouble = error.name === 'TimeoutError' || error.code === 'ABORT_ERR' ? 'hang' : (error.code ?? error.message);
  }
  return { ...got, endMs: since() };
}

function send(url, headers, body) {
  return new Promise((resolve, reject) => {
    const all = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...headers };
    const options = { method: 'POST', agent, headers: all, signal: AbortSignal.timeout(HANG_MS) };
    request(url, options, resolve).once('error', reject).end(body);
  });
}

async function readJson(response, got, note) {
  let text = '';
  for await (const part of response) text += part;
  const answer = JSON.parse(text);
  const choice = answer.choices?.[0];
  if (answer.error !== undefined) got.code = String(answer.error.code);
  note(choice?.message?.content ?? '');
  got.looksWhole = response.statusCode === 200 && answer.error === undefined && choice?.finish_reason === 'stop';
}

/** A stream that ends without an error looks whole to most clients, with `[DONE]` or without. */
async function readStream(response, got, note) {
  let rest = '';
  for await (const part of response) {
    const lines = (rest + part).split('\n');
    rest = lines.pop();
    for (const line of lines)
      if (line.startsWith('data: ') && line !== 'data: [DONE]') readChunk(JSON.parse(line.slice(6)));
  }
  got.looksWhole = got.code === undefined;

  function readChunk(chunk) {
    if (chunk.error !== undefined) got.code = String(chunk.error.code);
    note(chunk.choices?.[0]?.delta?.content ?? '');
  }
}
