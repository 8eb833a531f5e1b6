import { KEY } from '../load/calls.mjs';
import { load } from '../load/load.mjs';
import { costOf } from '../machine/process-cost.mjs';
import { say } from '../machine/processes.mjs';
import { markdownTable } from '../report/markdown.mjs';
import { startSplit } from '../systems/sluice.mjs';
import { configTo } from './contestants.mjs';

const STEP_CALLS = 20_000;
const WARM_UP_STEPS = 1;
const STEPS = 5;
const SLICE_SECONDS = 2;
const STEP_WITHIN_MS = 120_000;
const FLAT_SHARE = 1.1;

/**
 * 100,000 calls, 32 at once, after a warm-up of 20,000: memory must be where it was.
 * @returns text: a table · isFlat: api + worker grew by less than a tenth, and no call failed
 */
export async function longRun(upstream) {
  const system = await startSplit({ config: configTo(upstream), key: KEY });
  const rows = [];
  const rss = [];
  let calls = 0;
  let errors = 0;
  try {
    for (let step = 1; step <= WARM_UP_STEPS + STEPS; step++) {
      const deadline = Date.now() + STEP_WITHIN_MS;
      while (calls < step * STEP_CALLS) {
        if (Date.now() > deadline) throw new Error(`The long run stands still at ${calls} calls.`);
        const result = await load({ ...system, kind: 'json', concurrency: 32, seconds: SLICE_SECONDS });
        calls += result.calls;
        errors += result.errors;
      }
      const { appRssBytes, redisRssBytes } = costOf(system.pids);
      rss.push(appRssBytes);
      rows.push([
        calls.toLocaleString('en'),
        ...[appRssBytes, redisRssBytes].map((bytes) => Math.round(bytes / 2 ** 20)),
        errors,
      ]);
      say(`long run: ${calls} calls, api + worker ${Math.round(appRssBytes / 2 ** 20)} MB`);
    }
  } finally {
    await system.stop();
  }
  const isFlat = errors === 0 && rss.at(-1) <= rss[WARM_UP_STEPS - 1] * FLAT_SHARE;
  const verdict = `Memory after ${STEPS * STEP_CALLS} calls more than at the first look: ${isFlat ? 'flat' : '**not flat**'}.`;
  return {
    text: `${markdownTable(['calls so far', 'RSS api + worker MB', 'RSS Redis MB', 'errors'], rows)}\n\n${verdict}`,
    isFlat,
  };
}
