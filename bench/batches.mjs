// `npm run bench:batches`: a file of many lines through `POST /v1/batches`, on `sluice start` with the Redis and the
// PostgreSQL that it runs itself, against a provider without latency. Prints how long submitting takes, lines per second,
// and the memory of each process; with --kills, all of them are killed (-9) so often, at random moments, and started anew.
// Fails when a line is missing in the output or stands there twice.
//
//   --lines N (50000)     --kills N (0)     --bytes N of a prompt (200)
//   --calls               plain calls beside, one each 50 ms: how long they take before the batch, and while it runs
import { openAsBlob, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { below, cpuOf, peakOf, shareOf } from './batches/memory.mjs';
import { bench, launch, node, root, say, scratchFile } from './machine/processes.mjs';
import { markdownTable } from './report/markdown.mjs';
import { configFile } from './systems/sluice.mjs';

const { values } = parseArgs({
  options: {
    lines: { type: 'string', default: '50000' },
    kills: { type: 'string', default: '0' },
    bytes: { type: 'string', default: '200' },
    calls: { type: 'boolean', default: false },
  },
});
const [lines, kills, bytes] = [values.lines, values.kills, values.bytes].map(Number);
const data = scratchFile('data');
const bin = join(root, 'bin', 'sluice.mjs');
const env = { REDIS_URL: '', DATABASE_URL: '', PORT: '', CONFIG_FILE_PATH: '', SLUICE_DATA_DIR: '', LOG_LEVEL: 'warn' };

const start = (config) =>
  launch(
    'sluice',
    node,
    [
      '--max-semi-space-size=16',
      bin,
      'start',
      '--config',
      config,
      '--port',
      '0',
      '--host',
      '127.0.0.1',
      '--data',
      data,
    ],
    { ready: /Sluice answers at (http:\S+)/, env },
  );

function inputFile() {
  const file = scratchFile('lines.jsonl');
  const content = 'word '.repeat(Math.ceil(bytes / 5));
  const line = (n) =>
    JSON.stringify({
      custom_id: `line-${n}`,
      method: 'POST',
      url: '/v1/chat/completions',
      body: { model: 'up', messages: [{ role: 'user', content: `line ${n}. ${content}` }] },
    });
  writeFileSync(file, Array.from({ length: lines }, (_, n) => line(n)).join('\n'));
  return file;
}

const json = async (response) => {
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
  return response.json();
};

async function submit(origin, file) {
  const form = new FormData();
  form.set('purpose', 'batch');
  form.set('file', await openAsBlob(file), 'lines.jsonl');
  const { id } = await json(await fetch(`${origin}/v1/files`, { method: 'POST', body: form }));
  const body = JSON.stringify({ input_file_id: id, endpoint: '/v1/chat/completions', completion_window: '24h' });
  const headers = { 'content-type': 'application/json' };
  return json(await fetch(`${origin}/v1/batches`, { method: 'POST', headers, body }));
}

const CALL_EACH_MS = 50;
const CALLS_BEFORE = 200;

/** One plain call after the other, as somebody who waits for the answer makes them. @returns ms of each; the first are warm-up */
async function plainCalls(origin, goesOn) {
  const body = JSON.stringify({ model: 'up', messages: [{ role: 'user', content: 'line 0.' }] });
  const headers = { 'content-type': 'application/json' };
  const took = [];
  while (goesOn(took.length)) {
    const beganAt = performance.now();
    await json(await fetch(`${origin}/v1/chat/completions`, { method: 'POST', headers, body }));
    took.push(performance.now() - beganAt);
    await pause(CALL_EACH_MS);
  }
  return took;
}

const centile = (took, share) => took.toSorted((a, b) => a - b)[Math.floor(took.length * share)].toFixed(1);
const told = (took) => `${centile(took, 0.5)} / ${centile(took, 0.99)} ms`;

const OVER = ['completed', 'failed', 'expired', 'cancelled'];

function memoryNow({ pid }) {
  const family = below(pid);
  const of = (name) => shareOf(family.filter((one) => one.name.startsWith(name)).map((one) => one.pid));
  return { node: peakOf(pid), redis: of('redis') + of('valkey'), postgres: of('postgres') };
}

await bench(async () => {
  const upstream = await launch(
    'upstream',
    node,
    [fileURLToPath(new URL('batches/counting-upstream.mjs', import.meta.url))],
    {
      ready: /upstream at (\S+)/,
    },
  );
  const provider = upstream.match[1];
  const config = configFile(
    `model_list:\n  - {model_name: up, litellm_params: {model: openai/up, api_base: "${provider}/v1", api_key: none}}\n`,
  );
  const file = inputFile();
  let sluice = await start(config);
  const most = { node: 0, redis: 0, postgres: 0 };
  const look = () => {
    for (const [name, mb] of Object.entries(memoryNow(sluice))) most[name] = Math.max(most[name], mb);
  };

  const alone = values.calls ? await plainCalls(sluice.match[1], (n) => n < 2 * CALLS_BEFORE) : [];
  const begunAt = performance.now();
  const { id } = await submit(sluice.match[1], file);
  const submittedMs = performance.now() - begunAt;
  let isRunning = true;
  const beside = values.calls ? plainCalls(sluice.match[1], () => isRunning) : Promise.resolve([]);
  const moments = Array.from({ length: kills }, () => 0.05 + 0.9 * Math.random()).sort((a, b) => a - b);
  let batch;
  for (;;) {
    await pause(200);
    look();
    batch = await fetch(`${sluice.match[1]}/v1/batches/${id}`).then(json, () => batch);
    if (batch === undefined) continue;
    const done = batch.request_counts.completed + batch.request_counts.failed;
    if (OVER.includes(batch.status)) break;
    if (moments.length > 0 && done >= moments[0] * lines) {
      say(`${done} lines done: all processes are killed`);
      moments.shift();
      for (const { pid } of [...below(sluice.pid), sluice]) process.kill(pid, 'SIGKILL');
      await sluice.stop();
      sluice = await start(config);
    }
    if (performance.now() - begunAt > 600_000) throw new Error(`not over after ten minutes: ${JSON.stringify(batch)}`);
  }
  const tookMs = performance.now() - begunAt;
  isRunning = false;
  const during = await beside;
  look();

  const output = await (await fetch(`${sluice.match[1]}/v1/files/${batch.output_file_id}/content`)).text();
  const ids = output
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).custom_id);
  const isWhole = ids.length === lines && ids.every((custom, n) => custom === `line-${n}`);
  const counts = await json(await fetch(`${provider}/counts`));
  const cpu = cpuOf(sluice.pid);
  const others = below(sluice.pid).map(({ pid, name }) => `${name} ${cpuOf(pid)}`);
  await sluice.stop();

  say(`CPU, s: node ${cpu}, ${others.join(', ')}`);
  say(
    `\nbatch ${batch.status}, ${JSON.stringify(batch.request_counts)}; lines in the output, once each and in order: ${isWhole}`,
  );
  say(`calls to the provider by how often a line was asked for: ${JSON.stringify(counts)}\n`);
  process.stdout.write(
    markdownTable(
      ['', 'measured'],
      [
        ['file uploaded and batch created', `${(submittedMs / 1_000).toFixed(2)} s`],
        ['from submit to completed', `${(tookMs / 1_000).toFixed(1)} s`],
        ['lines per second, from submit on', (lines / (tookMs / 1_000)).toFixed(0)],
        ['peak RSS of the Node process', `${most.node.toFixed(0)} MiB`],
        ['Redis (Pss)', `${most.redis.toFixed(0)} MiB`],
        ['PostgreSQL (Pss, all processes)', `${most.postgres.toFixed(0)} MiB`],
        ...(values.calls
          ? [
              ['a plain call before it, p50 / p99', told(alone.slice(CALLS_BEFORE))],
              ['a plain call while it runs, p50 / p99', told(during)],
            ]
          : []),
      ],
    ),
  );
  return isWhole && batch.status === 'completed';
});
