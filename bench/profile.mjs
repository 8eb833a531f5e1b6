// `npm run bench:profile`: where the time of a call goes. Runs api and worker apart under V8's sampling profiler, 32 calls at
// once, and prints for each process the functions in which it was found most often, by package. Only samples from the time
// of the load count, not those of the start. Then what Redis was asked to do for one call.
//
//   --kind json|burst   (json)     --seconds N (10)     --top N lines (25)     --keep DIR   also leave the .cpuprofile files there
import { copyFileSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { KEY } from './load/calls.mjs';
import { load, proveItAnswers } from './load/load.mjs';
import { costOf } from './machine/process-cost.mjs';
import { bench, launch, node, root, say, scratch } from './machine/processes.mjs';
import { selfTimes } from './profile/self-times.mjs';
import { watchRedis } from './profile/redis-commands.mjs';
import { markdownTable } from './report/markdown.mjs';
import { startSplit } from './systems/sluice.mjs';
import { configTo } from './throughput/contestants.mjs';

const SAMPLE_EVERY_US = 250;
const SCRIPTS_SECONDS = 2;
const SCRIPTS_FOR_MS = 500;
const SETTLE_MS = 500;

const { values: options } = parseArgs({
  options: {
    kind: { type: 'string', default: 'json' },
    seconds: { type: 'string', default: '10' },
    top: { type: 'string', default: '25' },
    keep: { type: 'string' },
  },
});

await bench(async () => {
  const upstream = await launch('upstream', node, [join(root, 'bench', 'load', 'upstream.mjs')], {
    ready: /upstream at (\S+)/,
  });
  const folderOf = (name) => join(scratch, `profile-${name}`);
  const nodeArgs = (name) => [
    '--cpu-prof',
    `--cpu-prof-dir=${folderOf(name)}`,
    `--cpu-prof-interval=${SAMPLE_EVERY_US}`,
  ];
  const system = await startSplit({ config: configTo(upstream.match[1]), key: KEY, nodeArgs });
  const phase = { ...system, kind: options.kind, concurrency: 32 };
  await proveItAnswers(system, [options.kind]);
  await load({ ...phase, seconds: 3 });
  const redis = await watchRedis(system.redisSocket);
  const before = system.processes.map(({ pid }) => costOf([pid]).cpuMs);
  const fromUs = nowUs();
  const result = await load({ ...phase, seconds: Number(options.seconds) });
  const toUs = nowUs();
  const cpuMs = system.processes.map(({ pid }, n) => costOf([pid]).cpuMs - before[n]);
  const commands = await redis.stop();
  const scripts = await sampleScripts(system.redisSocket, () => load({ ...phase, seconds: SCRIPTS_SECONDS }));
  await system.stop();

  say(
    `${result.calls} calls of kind ${options.kind}, ${Math.round(result.rps)}/s under the profiler, ${result.errors} failed`,
  );
  for (const name of ['api', 'worker']) {
    const [file] = readdirSync(folderOf(name));
    const profile = JSON.parse(readFileSync(join(folderOf(name), file), 'utf8'));
    if (options.keep !== undefined) {
      mkdirSync(options.keep, { recursive: true });
      copyFileSync(join(folderOf(name), file), join(options.keep, `${name}.cpuprofile`));
    }
    show(name, selfTimes(profile, { fromUs, toUs, root }), result.calls);
  }
  showRedis(commands, scripts, cpuMs, result.calls);
  return result.errors === 0;
});

/** The clock of V8's profiles. */
function nowUs() {
  return Number(process.hrtime.bigint() / 1_000n);
}

function show(name, { busyUs, wallUs, packages, functions }, calls) {
  const share = (us) => `${((us / busyUs) * 100).toFixed(1)}%`;
  const perCall = (us) => (us / calls).toFixed(1);
  const top = Number(options.top);
  const lines = [
    `\n## ${name}: busy ${Math.round((busyUs / wallUs) * 100)}% of the time, ${perCall(busyUs)} µs a call\n`,
    markdownTable(
      ['package', 'self', 'µs a call'],
      packages.slice(0, top).map(({ name: of, us }) => [of, share(us), perCall(us)]),
    ),
    '',
    markdownTable(
      ['function', 'package', 'where', 'self', 'µs a call'],
      functions.slice(0, top).map(({ name: of, home, place, us }) => [of, home, place, share(us), perCall(us)]),
    ),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

/** Apart from the rest: keeping everything in the slow log costs Redis some time. */
async function sampleScripts(socket, underLoad) {
  const redis = await watchRedis(socket);
  const [, scripts] = await Promise.all([
    underLoad(),
    pause(SETTLE_MS).then(() => redis.sampleScripts(SCRIPTS_FOR_MS)),
  ]);
  await redis.stop();
  return scripts;
}

function showRedis(commands, scripts, [apiMs, workerMs, redisMs], calls) {
  const perCall = (ms) => `${((ms * 1_000) / calls).toFixed(0)} µs`;
  const lines = [
    `\n## CPU a call: api ${perCall(apiMs)}, worker ${perCall(workerMs)}, Redis ${perCall(redisMs)}\n`,
    markdownTable(
      ['Redis command', 'a call', 'µs each', 'µs a call'],
      commands
        .slice(0, Number(options.top))
        .map(({ name, count, us }) => [
          name,
          (count / calls).toFixed(2),
          (us / count).toFixed(1),
          (us / calls).toFixed(1),
        ]),
    ),
    '',
    'Commands inside a script count for themselves and for the script. The scripts, each by its own time:',
    '',
    markdownTable(
      ['script', 'share', 'runs', 'µs each'],
      scripts.map(({ name, count, us }) => [
        name,
        `${((us / scripts.reduce((sum, one) => sum + one.us, 0)) * 100).toFixed(1)}%`,
        count,
        (us / count).toFixed(1),
      ]),
    ),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
