// `npm run bench:readers`: thousands of readers of events on one api process (FAULTS.md F24, F25). Each reads a job of its
// own; most get an event a second, some are sent more than the kilobyte a second that they take. Then the quick ones all break off and come
// back within five seconds. Fails when a figure of theirs is missed. Who gives the events is this process, in place of workers.
//
//   --readers N (5000)     --slow N of them (1000)     --seconds N (60)     --slow-bytes N a second (20000)
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import { costOf, watchMemory } from './machine/process-cost.mjs';
import { bench, node, root, run, say, scratchFile } from './machine/processes.mjs';
import { startSplit } from './systems/sluice.mjs';

const { values } = parseArgs({
  options: {
    readers: { type: 'string', default: '5000' },
    slow: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '60' },
    'slow-bytes': { type: 'string', default: '20000' },
  },
});
const [readers, slow, seconds] = [values.readers, values.slow, values.seconds].map(Number);
const KEY = 'sk-bench';
const GROUP = 'bench';
const CONFIG = `
model_list:
  - {model_name: ${GROUP}, litellm_params: {model: openai/x, api_base: "http://127.0.0.1:9/v1", api_key: none}}
general_settings: {master_key: ${KEY}}
`;
const P = `{sluice:${GROUP}}:`;
/** Turns of the writer in a second: each job has its turn once. */
const TURNS = 50;
const RAMP_MS = 8_000;
const BACK_MS = 5_000;
const SMALL = 'word ';
const LARGE = 'x'.repeat(Number(values['slow-bytes']));

async function submit({ origin, headers }, count) {
  const job = {
    endpoint: '/v1/chat/completions',
    body: { model: GROUP, stream: true, messages: [{ role: 'user', content: 'Hi' }] },
  };
  const ids = [];
  while (ids.length < count) {
    const jobs = Array.from({ length: Math.min(500, count - ids.length) }, () => job);
    const response = await fetch(`${origin}/v1/jobs/bulk`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ jobs }),
    });
    const { data } = await response.json();
    for (const { job, error } of data) {
      if (job === undefined) throw new Error(`a job was refused: ${JSON.stringify(error)}`);
      ids.push(job.id);
    }
  }
  return ids;
}

/** Gives each job an event a second, evenly over the second. Returns what stops it. */
function give(redis, fast, large) {
  const all = [...fast.map((id) => ({ id, text: SMALL, seq: 0 })), ...large.map((id) => ({ id, text: LARGE, seq: 0 }))];
  let isOver = false;
  let turn = 0;
  const late = [];
  const loop = (async () => {
    const startedAt = performance.now();
    while (!isOver) {
      const dueAt = startedAt + (turn * 1_000) / TURNS;
      const earlyMs = dueAt - performance.now();
      if (earlyMs > 0) await pause(earlyMs);
      late.push(Math.max(0, -earlyMs));
      const its = all.filter((_, i) => i % TURNS === turn % TURNS);
      turn++;
      await Promise.all(its.map((job) => say1(redis, job)));
    }
  })();
  return async () => {
    isOver = true;
    await loop;
    return Math.round(Math.max(...late));
  };
}

function say1(redis, job) {
  const seq = ++job.seq;
  const chunk = `data: {"choices":[{"index":0,"delta":{"content":"${job.text}"},"finish_reason":null}]}\n\n`;
  const head = `${job.id}${seq === 1 ? 'h' : 'e'}1,${seq},1,1,${Date.now()}\n${seq === 1 ? '{}\n' : ''}`;
  return redis.relay(`${P}job:${job.id}`, `${P}stream:${job.id}`, 1, seq, seq, head + chunk, 600_000);
}

const socketsOf = (pid) => readdirSync(`/proc/${pid}/fd`).length;

await bench(async () => {
  const sluice = await startSplit({ config: CONFIG, key: KEY, workers: 0 });
  const redis = new Redis(sluice.redisSocket);
  redis.defineCommand('relay', {
    numberOfKeys: 2,
    lua: readFileSync(join(root, 'libs', 'stream', 'src', 'scripts', 'relay-frames.lua'), 'utf8'),
  });
  const ids = await submit(sluice, readers);
  await Promise.all(ids.map((id) => redis.hset(`${P}job:${id}`, 'state', 'running', 'epoch', 1))); // as a worker's begin
  const [large, fast] = [ids.slice(0, slow), ids.slice(slow)];

  const api = sluice.processes[0].pid;
  const before = costOf([api]);
  const idle = socketsOf(api);
  const memory = watchMemory([api]);
  const stop = give(redis, fast, large);
  /** Connections that the api holds shortly before the quick readers break off: those of the slow ones that were not cut. */
  let held = 0;
  setTimeout(() => (held = socketsOf(api)), RAMP_MS + seconds * 1_000);
  const plan = { origin: sluice.origin, authorization: sluice.headers.authorization, fast, slow: large, rampMs: RAMP_MS, seconds, backMs: BACK_MS }; // prettier-ignore
  const planFile = scratchFile('plan.json'); // too long for an argument
  writeFileSync(planFile, JSON.stringify(plan));
  const result = JSON.parse(await run(node, [join(root, 'bench', 'readers', 'client.mjs'), planFile], { withinMs: (seconds + 90) * 1_000 })); // prettier-ignore
  const writerLateMs = await stop();
  const { appRssBytes } = memory.stop();
  const cpuMs = costOf([api]).cpuMs - before.cpuMs;
  const log = readFileSync(sluice.processes[0].log, 'utf8');

  say(
    `${readers} readers on one api process, ${slow} of them slow; the writer was ${writerLateMs} ms late at the most.`,
  );
  const slowCut = slow - Math.max(0, held - result.open - idle);
  say(JSON.stringify({ ...result, slowCut }));
  say(
    `The api: at most ${Math.round(appRssBytes / 2 ** 20)} MB resident, at first ${Math.round(before.appRssBytes / 2 ** 20)} MB; ${Math.round(cpuMs / 1_000)} s of CPU.`,
  );
  if (/error/i.test(log)) say(log.slice(-1_000));
  redis.disconnect();
  await sluice.stop();
  const told = { readers, slow, lagP99Ms: result.lagP99Ms, resumedP99Ms: result.resumedP99Ms, gaps: result.gaps };
  say(`F24 ${JSON.stringify({ ...told, slowCut, rssMB: Math.round(appRssBytes / 2 ** 20) })}`);
  const isF24 = result.lagP99Ms < 250 && appRssBytes < 1.5 * 2 ** 30 && result.open === fast.length;
  return isF24 && result.resumedP99Ms < 2_000 && result.gaps === 0;
});
