import { setTimeout as pause } from 'node:timers/promises';
import { startSimulator } from '../failover/simulator.mjs';
import { callOnce } from './caller.mjs';
import { judge, judgeCall } from './judge.mjs';
import { keepLoading, MOST_AT_ONCE } from './load.mjs';
import { TEXT } from './scenarios.mjs';
import { configFor } from './settings.mjs';

const SCRIPT = { log: 'full', answer: { text: TEXT }, latency: { p50: 50 }, tokensPerSecond: 400 };
/** While another tenant's calls fill the queue, they must take a while. */
const LOADED_LATENCY = { p50: 500 };
/** For the last sockets to be closed. */
const AFTERMATH_MS = 1_500;

/** All scenarios in all their forms at the same time, each with deployments of its own. */
export async function playAll(scenarios, setting) {
  const parts = scenarios.flatMap((scenario) =>
    scenario.forms.map((form) => ({ scenario, form, name: `s${scenario.number}-${form.toLowerCase()}` })),
  );
  const simulator = await startSimulator(profilesOf(parts, setting), SCRIPT);
  const base = (name, role) => `${simulator.origin}/@${name}-${role}/v1`;
  const groups = parts.map(({ name }) => ({ name, first: base(name, 'first'), second: base(name, 'second') }));
  const system = await setting.start(configFor(groups, setting.isLoaded ? MOST_AT_ONCE : undefined));
  const over = new AbortController();
  try {
    const load = setting.isLoaded ? keepLoading(system, parts, over.signal) : undefined;
    if (load !== undefined) await pause(3_000); // for queues to fill
    await simulator.reset(); // rules count from now on
    const startedMs = Date.now();
    const played = await Promise.all(parts.map((part) => playOne(part, system)));
    over.abort();
    await load;
    await pause(AFTERMATH_MS);
    const log = await simulator.requests();
    return played.map((part) => ({ ...part, ...verdictOf(part, log, startedMs) }));
  } finally {
    over.abort();
    await system.stop();
    await simulator.stop();
  }
}

function profilesOf(parts, { isLoaded }) {
  const profiles = {};
  for (const { scenario, form, name } of parts) {
    for (const role of ['first', 'second']) {
      const script = scenario[role];
      const own = scenario.hitsAll ? {} : { stream: form === 'stream' };
      const rules = (script.rules ?? []).map((rule) => ({ ...rule, match: { ...rule.match, ...own } }));
      const latency = isLoaded ? { latency: LOADED_LATENCY } : {};
      profiles[`${name}-${role}`] = { ...latency, ...script, ...(rules.length > 0 ? { rules } : {}) };
    }
  }
  return profiles;
}

async function playOne({ scenario, form, name }, { origins, headers }) {
  const { count, everyMs } = scenario.calls;
  const calls = [];
  for (let n = 0; n < count; n++) {
    const origin = origins[n % origins.length];
    calls.push(callOnce({ origin, headers, group: name, isStream: form === 'stream' }));
    if (n + 1 < count) await pause(everyMs);
  }
  return { scenario, form, name, calls: await Promise.all(calls) };
}

/** Of the other tenant's calls, which come in the other form, only the scenario's are looked at. */
function verdictOf({ scenario, form, name, calls }, log, startedMs) {
  const own = ({ body }) => (body?.stream ?? false) === (form === 'stream');
  const seenBy = (role) =>
    log
      .filter((request) => request.profile === `${name}-${role}` && own(request))
      .map((request) => ({ ...request, sinceMs: Math.round(request.atMs - startedMs) }));
  const seen = { first: seenBy('first'), second: seenBy('second') };
  const judged = calls.map((call) => ({ ...call, isIdeal: judgeCall(scenario.ideal, call).score === 'pass' }));
  return { calls: judged, seen, verdict: judge(scenario, calls, seen) };
}
