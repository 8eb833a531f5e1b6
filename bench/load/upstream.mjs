// A provider that costs next to nothing: canned answers over raw sockets, in a process of its own. It looks for the end of a
// request and for the word that says which answer is wanted, and parses nothing else.
import { createServer } from 'node:net';
import { BURST_CHUNKS, markOf, PACED_CHUNKS, PACE_MS } from './calls.mjs';

const HEAD_END = Buffer.from('\r\n\r\n');
const LAST_CHUNK = Buffer.from('\r\n0\r\n\r\n');
const BURST = Buffer.from(markOf('burst'));
const PACED = Buffer.from(markOf('paced'));
const base = { id: 'chatcmpl-upstream', created: 1_764_000_000, model: 'upstream-model' };
const usage = { prompt_tokens: 120, completion_tokens: 50, total_tokens: 170 };
const delta = (delta, finish_reason = null) => ({
  ...base,
  object: 'chat.completion.chunk',
  choices: [{ index: 0, delta, logprobs: null, finish_reason }],
});

const JSON_ANSWER = jsonAnswer();
/** By whether the caller asked for usage. */
const ANSWERS = [false, true].map((withUsage) => ({ burst: burst(withUsage), paced: paced(withUsage) }));

const server = createServer({ noDelay: true }, (socket) => {
  let pending;
  socket.on('error', () => socket.destroy());
  socket.on('data', (data) => {
    let bytes = pending === undefined ? data : Buffer.concat([pending, data]);
    pending = undefined;
    while (bytes.length > 0) {
      const end = requestEnd(bytes);
      if (end === undefined) {
        pending = bytes;
        return;
      }
      answer(socket, bytes.subarray(0, end));
      bytes = bytes.subarray(end);
    }
  });
});
server.listen(0, '127.0.0.1', () => process.stdout.write(`upstream at http://127.0.0.1:${server.address().port}\n`));

function requestEnd(bytes) {
  const headEnd = bytes.indexOf(HEAD_END);
  if (headEnd === -1) return undefined;
  const head = bytes.latin1Slice(0, headEnd);
  const bodyStart = headEnd + HEAD_END.length;
  const length = /\r\ncontent-length: *(\d+)/i.exec(head);
  if (length === null && /\r\ntransfer-encoding: *chunked/i.test(head)) {
    const last = bytes.indexOf(LAST_CHUNK, headEnd);
    return last === -1 ? undefined : last + LAST_CHUNK.length;
  }
  const end = bodyStart + Number(length?.[1] ?? 0);
  return end <= bytes.length ? end : undefined;
}

function answer(socket, request) {
  if (request.includes(BURST)) {
    socket.write(ANSWERS[Number(request.includes('include_usage'))].burst);
  } else if (request.includes(PACED)) {
    pace(socket, ANSWERS[Number(request.includes('include_usage'))].paced);
  } else {
    socket.write(JSON_ANSWER);
  }
}

function pace(socket, parts) {
  socket.write(parts[0]);
  let next = 1;
  const timer = setInterval(() => {
    if (!socket.destroyed) socket.write(parts[next]);
    next += 1;
    if (next === parts.length || socket.destroyed) clearInterval(timer);
  }, PACE_MS);
}

function jsonAnswer() {
  const message = { role: 'assistant', content: 'Hello, benchmark: I answer at once. '.repeat(5), refusal: null };
  const choices = [{ index: 0, message, logprobs: null, finish_reason: 'stop' }];
  const body = JSON.stringify({ ...base, object: 'chat.completion', choices, usage });
  const head = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n`;
  return Buffer.from(`${head}x-request-id: req_bench\r\n\r\n${body}`);
}

/** Each event is an HTTP chunk, as servers send them. */
function burst(withUsage) {
  return Buffer.concat([streamHead(), ...contents(BURST_CHUNKS), streamEnd(withUsage)]);
}

/** The first content goes with the head: what is measured is how long it takes from here to the client. */
function paced(withUsage) {
  const [first, ...rest] = contents(PACED_CHUNKS);
  const last = Buffer.concat([rest.pop(), streamEnd(withUsage)]);
  return [Buffer.concat([streamHead(), first]), ...rest, last];
}

function streamHead() {
  const head = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n';
  return Buffer.concat([Buffer.from(`${head}\r\n`), event(delta({ role: 'assistant', content: '' }))]);
}

function contents(count) {
  return Array.from({ length: count }, (_, n) => event(delta({ content: ` word${n}` })));
}

function streamEnd(withUsage) {
  const events = [event(delta({}, 'stop'))];
  if (withUsage) events.push(event({ ...base, object: 'chat.completion.chunk', choices: [], usage }));
  return Buffer.concat([...events, httpChunk('data: [DONE]\n\n'), Buffer.from('0\r\n\r\n')]);
}

function event(value) {
  return httpChunk(`data: ${JSON.stringify(value)}\n\n`);
}

function httpChunk(text) {
  return Buffer.from(`${text.length.toString(16)}\r\n${text}\r\n`);
}
