// The readers of bench/readers.mjs, in a process of their own. argv[2] names a file, JSON: origin · authorization · fast, slow: ids of jobs ·
// rampMs: over which they come · seconds: how long they read · backMs: over which the fast ones come back.
// Prints JSON: lagP50Ms, lagP99Ms · cut: slow readers that were cut · resumedP50Ms, resumedP99Ms · gaps: events missed or seen twice.
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

const plan = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const port = Number(new URL(plan.origin).port);
/** Taken by a slow reader each second. */
const SLOW_BYTES = 1_000;

let lags = [];
let gaps = 0;

class Reader {
  lastSeq = 0;
  isOpen = false;
  held = '';

  constructor(jobId, isSlow) {
    this.jobId = jobId;
    this.isSlow = isSlow;
  }

  open() {
    this.openedAt = performance.now();
    this.backMs = undefined;
    this.held = '';
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.socket = socket;
    this.isOpen = true;
    const query = this.lastSeq > 0 ? `?starting_after=${this.lastSeq}` : '';
    socket.write(
      `GET /v1/jobs/${this.jobId}/events${query} HTTP/1.1\r\nhost: bench\r\nauthorization: ${plan.authorization}\r\n\r\n`,
    );
    socket.setEncoding('latin1');
    socket.on('error', () => undefined);
    socket.on('close', () => (this.isOpen = false));
    if (this.isSlow) this.sip();
    else socket.on('data', (text) => this.take(text));
  }

  /** A kilobyte a second. */
  sip() {
    const { socket } = this;
    socket.pause();
    const timer = setInterval(() => {
      if (socket.destroyed) return clearInterval(timer);
      socket.read(SLOW_BYTES);
    }, 1_000);
    socket.on('readable', () => undefined);
  }

  take(text) {
    this.backMs ??= text.includes('"seq"') ? performance.now() - this.openedAt : undefined;
    const all = this.held + text;
    const end = all.lastIndexOf('\n\n') + 2;
    if (end < 2) return void (this.held = all);
    this.held = all.slice(end);
    const nowMs = Date.now();
    for (const [, seq, atMs] of all
      .slice(0, end)
      .matchAll(/"seq":(\d+),"job_id":"[^"]*","type":"job.output","at_ms":(\d+)/g)) {
      if (Number(seq) !== this.lastSeq + 1 && this.lastSeq > 0) gaps++;
      this.lastSeq = Number(seq);
      lags.push(nowMs - Number(atMs));
    }
  }
}

const percentile = (values, p) => {
  const sorted = values.toSorted((a, b) => a - b);
  return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))] ?? NaN);
};

async function spread(readers, overMs, what) {
  const startedAt = performance.now();
  for (const [i, reader] of readers.entries()) {
    const waitMs = startedAt + (overMs * i) / readers.length - performance.now();
    if (waitMs > 1) await pause(waitMs);
    what(reader);
  }
}

const fast = plan.fast.map((id) => new Reader(id, false));
const slow = plan.slow.map((id) => new Reader(id, true));
await spread([...fast, ...slow], plan.rampMs, (reader) => reader.open());
await pause(2_000);
lags = [];
await pause(plan.seconds * 1_000);
const result = { events: lags.length, lagP50Ms: percentile(lags, 0.5), lagP99Ms: percentile(lags, 0.99) };
result.open = fast.filter(({ isOpen }) => isOpen).length;

for (const { socket } of fast) socket.destroy();
await pause(1_500); // each misses something
await spread(fast, plan.backMs, (reader) => reader.open());
const deadline = performance.now() + 30_000;
while (fast.some(({ backMs }) => backMs === undefined) && performance.now() < deadline) await pause(50);
const back = fast.map(({ backMs }) => backMs ?? Infinity);
result.resumedP50Ms = percentile(back, 0.5);
result.resumedP99Ms = percentile(back, 0.99);
result.gaps = gaps;
process.stdout.write(JSON.stringify(result));
process.exit(0);
