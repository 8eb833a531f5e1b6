// One half of the raw queue: `adder SOCKET` or `worker SOCKET`. The adder waits for {concurrency, seconds} from its parent.
import { randomUUID } from 'node:crypto';
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';

const [role, path] = process.argv.slice(2);
const prefix = '{bench:raw}';
const open = () => new Redis({ path, maxRetriesPerRequest: null, enableAutoPipelining: true });
process.once('SIGTERM', () => process.exit(0));
process.once('disconnect', () => process.exit(0));

if (role === 'worker') await work();
else await add();
process.stdout.write('ready\n');

async function work() {
  const redis = open();
  const worker = new Worker(
    'raw',
    async ({ data }) => {
      void redis.publish(data.replyTo, data.id);
    },
    { connection: open(), prefix, concurrency: 200, lockDuration: 20_000, stalledInterval: 5_000 },
  );
  worker.on('error', (error) => process.stderr.write(`${error.message}\n`));
  await worker.waitUntilReady();
}

async function add() {
  const queue = new Queue('raw', { connection: open(), prefix, streams: { events: { maxLen: 200 } } });
  const replyTo = `inbox:${randomUUID()}`;
  const inbox = new Redis({ path, maxRetriesPerRequest: null });
  const waiting = new Map();
  await inbox.subscribe(replyTo);
  inbox.on('message', (channel, id) => {
    const answered = waiting.get(id);
    waiting.delete(id);
    answered?.();
  });
  await queue.waitUntilReady();

  process.on('message', ({ concurrency, seconds }) => {
    const latencies = [];
    const startedAt = performance.now();
    const endsAt = startedAt + seconds * 1_000;
    const next = () => {
      const sentAt = performance.now();
      if (sentAt >= endsAt) return;
      const id = randomUUID();
      waiting.set(id, () => {
        const now = performance.now();
        if (now <= endsAt) latencies.push(now - sentAt);
        next();
      });
      void queue.add('c', { id, replyTo }, { jobId: `job_${id}`, removeOnComplete: true, attempts: 1 });
    };
    for (let n = 0; n < concurrency; n++) next();
    setTimeout(() => {
      latencies.sort((a, b) => a - b);
      const percentile = (share) => latencies[Math.floor(latencies.length * share)];
      const calls = latencies.length;
      process.send({
        calls,
        seconds,
        rps: calls / seconds,
        p50Ms: percentile(0.5),
        p99Ms: percentile(0.99),
        errors: 0,
      });
    }, seconds * 1_000);
  });
}
