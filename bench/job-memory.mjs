// `npm run bench:jobs`: what a durable job costs Redis, while it waits and when it is over, beyond its request and its
// answer. Takes jobs in over HTTP into a paused queue of api and worker, lets them run against an upstream that answers at
// once, and looks at Redis' memory in between. Prints also how fast they were taken in.
//
//   --jobs N (20000)     --bytes N of a request (2000)
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { KEY } from './load/calls.mjs';
import { bench, launch, node, root } from './machine/processes.mjs';
import { markdownTable } from './report/markdown.mjs';
import { startSplit } from './systems/sluice.mjs';
import { configTo } from './throughput/contestants.mjs';

const { values } = parseArgs({
  options: { jobs: { type: 'string', default: '20000' }, bytes: { type: 'string', default: '2000' } },
});
const [jobs, bytes] = [values.jobs, values.bytes].map(Number);
const AT_ONCE = 500;
const LONGEST_MS = 300_000;

await bench(async () => {
  const upstream = await launch('upstream', node, [join(root, 'bench', 'load', 'upstream.mjs')], {
    ready: /upstream at (\S+)/,
  });
  const sluice = await startSplit({ config: configTo(upstream.match[1]), key: KEY });
  const redis = new Redis(sluice.redisSocket);
  const ask = async (path, body) => {
    const response = await fetch(`${sluice.origin}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { ...sluice.headers, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response.json();
  };
  const [{ group }] = (await ask('/v1/queues')).data;
  const used = async () => Number(/^used_memory:(\d+)/m.exec(await redis.info('memory'))[1]);
  const queue = () => ask(`/v1/queues/${group}`);

  await ask(`/v1/queues/${group}/pause`, {});
  const body = { model: group, messages: [{ role: 'user', content: '' }] };
  body.messages[0].content = 'x'.repeat(Math.max(0, bytes - JSON.stringify(body).length));
  const job = { endpoint: '/v1/chat/completions', body };
  const empty = await used();
  const startedAt = performance.now();
  let last;
  for (let n = 0; n < jobs; n += AT_ONCE) {
    const { accepted, data } = await ask('/v1/jobs/bulk', { jobs: Array(AT_ONCE).fill(job) });
    if (accepted !== AT_ONCE)
      throw new Error(`only ${accepted} accepted: ${JSON.stringify(data.find(({ error }) => error))}`);
    last = data.at(-1).job.id;
  }
  const perSecond = (jobs / (performance.now() - startedAt)) * 1_000;
  const waiting = (await used()) - empty;

  await ask(`/v1/queues/${group}/resume`, {});
  const deadline = performance.now() + LONGEST_MS;
  for (let left = 1; left > 0; await pause(250)) {
    const { waiting, delayed, active } = await queue();
    left = waiting + delayed + active;
    if (performance.now() > deadline) throw new Error(`${left} jobs did not end`);
  }
  await pause(3_000); // the readers of the ledger cut what they have dealt with
  const over = (await used()) - empty;
  const result = (await redis.hstrlen(`{sluice:${group}}:job:${last}`, 'result')) * jobs;
  const ledger = await redis.xlen(`{sluice:${group}}:ledger`);
  redis.disconnect();
  await sluice.stop();

  const each = (total) => Math.round(total / jobs);
  process.stdout.write(
    `${markdownTable(
      ['durable job', 'Redis memory', 'of it request or answer', 'beyond'],
      [
        ['waiting', each(waiting), bytes, each(waiting) - bytes],
        ['over, its result kept', each(over), each(result), each(over - result)],
      ],
    )}\n\n${jobs} jobs, bytes each; taken in at ${Math.round(perSecond)} jobs/s by bulks of ${AT_ONCE}; ${ledger} entries left in the ledger.\n`,
  );
  return true;
});
