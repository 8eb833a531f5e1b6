import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { node, root, scratchFile } from '../machine/processes.mjs';

/**
 * Plays one spec, or one measurement, to its end.
 * @param verbose shows all that it says, as it says it
 * @returns seconds · passed, failed: tests · told: the sizes and figures that its tests wrote (test/support/full-size.ts) · said
 */
export async function play({ spec, names, script }, { isQuick, verbose }) {
  const report = scratchFile('jest.json');
  const startedAt = performance.now();
  const { status, said } = await run(script === undefined ? jest(spec, names, report) : [script], isQuick, verbose);
  const seconds = Math.round((performance.now() - startedAt) / 1_000);
  const counts = script === undefined ? countsOf(report) : { passed: 0, failed: 0 };
  if (script !== undefined) counts[status === 0 ? 'passed' : 'failed'] = 1;
  const failed = status !== 0 || counts.passed === 0 ? Math.max(1, counts.failed) : counts.failed;
  return { seconds, passed: counts.passed, failed, told: toldIn(said), said };
}

const jest = (spec, names, report) => [
  'node_modules/jest/bin/jest.js',
  '--forceExit',
  '--selectProjects',
  spec.startsWith('test/faults/') ? 'faults' : 'e2e',
  '--testPathPatterns',
  `${spec.replaceAll('.', '\\.')}$`,
  ...(names === undefined ? [] : ['--testNamePattern', names]),
  '--json',
  '--outputFile',
  report,
];

function run(args, isQuick, verbose) {
  const options = process.env.NODE_OPTIONS ?? '';
  const env = {
    ...process.env,
    NODE_OPTIONS: options.includes('vm-modules') ? options : `${options} --experimental-vm-modules`.trim(),
    ...(isQuick ? {} : { SLUICE_FAULTS: 'full' }),
  };
  const child = spawn(node, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
  process.once('exit', () => child.kill('SIGKILL'));
  let said = '';
  const take = (text) => {
    said += text;
    if (verbose) process.stderr.write(text);
  };
  // jest reports on stderr; its stdout is the same as JSON, a measurement's are its figures.
  child.stderr.setEncoding('utf8').on('data', take);
  child.stdout.setEncoding('utf8').on('data', (text) => args[0].startsWith('bench/') && take(text));
  return new Promise((resolve) => child.once('close', (status) => resolve({ status, said })));
}

/** A jest that did not come to its end has no report: it has failed as a whole. */
function countsOf(report) {
  try {
    const { numPassedTests, numFailedTests, numRuntimeErrorTestSuites } = JSON.parse(readFileSync(report, 'utf8'));
    return { passed: numPassedTests, failed: numFailedTests + numRuntimeErrorTestSuites };
  } catch {
    return { passed: 0, failed: 1 };
  }
}

/** Lines `F12 {"calls":1}` and `F21 10 MB prompt {"grewMiB":1}`. */
function toldIn(said) {
  return [...said.matchAll(/^(?:F|L)\d+ (?:([^{\n]+) )?(\{.*\})$/gm)].map(([, what, json]) => ({
    ...(what === undefined ? {} : { what }),
    ...JSON.parse(json),
  }));
}
