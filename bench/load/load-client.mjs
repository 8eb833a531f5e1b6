// A closed loop of calls over raw sockets, in a process of its own: each connection sends its next call when the last one is
// answered. Knows what wrk does not: when the first content of a stream came, and whether the stream came to its end.
// Argument: {origin, request, concurrency, seconds}; prints {calls, seconds, errors, p50Ms, p99Ms, firstP50Ms, firstP99Ms}.
import { connect } from 'node:net';

const { origin, request, concurrency, seconds } = JSON.parse(process.argv[2]);
const { hostname, port } = new URL(origin);
const bytes = Buffer.from(request);
const HEAD_END = Buffer.from('\r\n\r\n');
const FIRST_CONTENT = /"content": ?"[^"]/;
const TAIL = 64;
const RECONNECT_MS = 50;

const latencies = [];
const firsts = [];
const troubles = new Map();
let errors = 0;
let isOver = false;

const startedAt = performance.now();
for (let n = 0; n < concurrency; n++) open();
setTimeout(finish, seconds * 1_000);

function open() {
  const socket = connect({ host: hostname, port: Number(port), noDelay: true });
  let sentAt = 0;
  let head; // bytes of it so far, then its values
  let bodyLeft = 0;
  let tail = '';
  let firstAt;

  const send = () => {
    if (isOver) return;
    [head, tail, firstAt] = [undefined, '', undefined];
    sentAt = performance.now();
    socket.write(bytes);
  };
  const trouble = (what) => {
    if (isOver) return;
    errors += 1;
    troubles.set(what, (troubles.get(what) ?? 0) + 1);
  };
  const done = (what) => {
    if (isOver) return;
    const now = performance.now();
    if (what === undefined) latencies.push(now - sentAt);
    else trouble(what);
    if (firstAt !== undefined) firsts.push(firstAt - sentAt);
    send();
  };

  socket.once('connect', send);
  socket.on('error', () => undefined);
  socket.once('close', () => {
    trouble('connection closed');
    if (!isOver) setTimeout(open, RECONNECT_MS);
  });
  socket.on('data', (data) => {
    let body = data;
    if (head === undefined || Buffer.isBuffer(head)) {
      const all = head === undefined ? data : Buffer.concat([head, data]);
      const end = all.indexOf(HEAD_END);
      if (end === -1) {
        head = all;
        return;
      }
      head = headOf(all.latin1Slice(0, end + 2));
      bodyLeft = head.length;
      body = all.subarray(end + HEAD_END.length);
    }
    if (head.length !== undefined) {
      bodyLeft -= body.length;
      if (bodyLeft <= 0) done(head.status === 200 ? undefined : `status ${head.status}`);
      return;
    }
    if (firstAt === undefined && FIRST_CONTENT.test(tail + body.latin1Slice())) firstAt = performance.now();
    tail = (tail + body.latin1Slice(Math.max(0, body.length - TAIL))).slice(-TAIL);
    if (!tail.endsWith('0\r\n\r\n')) return;
    if (head.status !== 200) done(`status ${head.status}`);
    else if (head.isStream && !tail.includes('[DONE]')) done('stream without its end');
    else done();
  });
}

/** `length` is undefined for a chunked body. */
function headOf(text) {
  const length = /\r\ncontent-length: *(\d+)/i.exec(text)?.[1];
  return {
    status: Number(text.slice(9, 12)),
    length: length === undefined ? undefined : Number(length),
    isStream: /\r\ncontent-type: *text\/event-stream/i.test(text),
  };
}

function finish() {
  isOver = true;
  const result = {
    calls: latencies.length,
    seconds: (performance.now() - startedAt) / 1_000,
    errors,
    troubles: Object.fromEntries(troubles),
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
    firstP50Ms: percentile(firsts, 0.5),
    firstP99Ms: percentile(firsts, 0.99),
  };
  process.stdout.write(JSON.stringify(result), () => process.exit(0));
}

function percentile(values, share) {
  if (values.length === 0) return null;
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}
