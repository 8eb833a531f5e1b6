// The path of a call with nothing on it, to know its price: HTTP → record + BullMQ job → worker → provider → record + message →
// reply. No keys, no checks, no epochs, retries, limits or errors. `api SOCKET` or `worker SOCKET UPSTREAM`. Not product code.
import { randomUUID } from 'node:crypto';
import { Queue, Worker } from 'bullmq';
import Fastify from 'fastify';
import { Redis } from 'ioredis';
import { Pool } from 'undici';

const [role, path, upstream] = process.argv.slice(2);
const prefix = '{bench:bare}';
const KEPT_MS = 600_000;
const ID_LENGTH = 36;
const open = () => new Redis({ path, maxRetriesPerRequest: null, enableAutoPipelining: true });
const record = (id) => `${prefix}:job:${id}`;
process.once('SIGTERM', () => process.exit(0));

if (role === 'worker') await work();
else await serve();

async function work() {
  const redis = open();
  const pool = new Pool(upstream, { connections: 128, pipelining: 1 });
  const run = async ({ data: { id, replyTo, stream } }) => {
    const [body] = await Promise.all([
      redis.hgetBuffer(record(id), 'request'),
      redis.hset(record(id), 'state', 'running'),
    ]);
    const headers = { 'content-type': 'application/json', authorization: 'Bearer sk-upstream' };
    const answer = await pool.request({ method: 'POST', path: '/v1/chat/completions', headers, body });
    const chunks = [];
    for await (const chunk of answer.body) {
      chunks.push(chunk);
      if (!stream) continue;
      void redis.xadd(`${record(id)}:stream`, '*', 'd', chunk);
      void redis.publish(replyTo, Buffer.concat([Buffer.from(id), chunk]));
    }
    const result = Buffer.concat(chunks);
    await Promise.all([
      redis.hset(record(id), 'state', 'completed', 'result', result),
      redis.pexpire(record(id), KEPT_MS),
      ...(stream ? [redis.pexpire(`${record(id)}:stream`, KEPT_MS)] : []),
      redis.publish(replyTo, stream ? id : Buffer.concat([Buffer.from(id), result])),
    ]);
  };
  const options = { connection: open(), prefix, concurrency: 200, lockDuration: 20_000, stalledInterval: 5_000 };
  const worker = new Worker('bare', run, options);
  worker.on('error', (error) => process.stderr.write(`${error.message}\n`));
  await worker.waitUntilReady();
  process.stdout.write('ready\n');
}

async function serve() {
  const redis = open();
  const queue = new Queue('bare', { connection: redis, prefix, streams: { events: { maxLen: 200 } } });
  const inbox = new Redis({ path, maxRetriesPerRequest: null });
  const replyTo = `inbox:${randomUUID()}`;
  const waiting = new Map();
  await inbox.subscribe(replyTo);
  inbox.on('messageBuffer', (_channel, message) => {
    waiting.get(message.latin1Slice(0, ID_LENGTH))?.(message.subarray(ID_LENGTH));
  });
  const app = Fastify({ bodyLimit: 32 * 1024 * 1024 });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app.post('/v1/chat/completions', (request, reply) => {
    const { stream } = JSON.parse(request.body);
    const id = randomUUID();
    reply.hijack();
    const { raw } = reply;
    waiting.set(id, (bytes) => {
      if (!raw.headersSent) raw.writeHead(200, { 'content-type': stream ? 'text/event-stream' : 'application/json' });
      if (stream && bytes.length > 0) return raw.write(bytes);
      waiting.delete(id);
      raw.end(bytes);
    });
    void redis.hset(record(id), 'request', request.body, 'state', 'queued');
    void queue.add('c', { id, replyTo, stream }, { jobId: `job_${id}`, removeOnComplete: true, attempts: 1 });
  });
  process.stdout.write(`ready at ${await app.listen({ port: 0, host: '127.0.0.1' })}\n`);
}
