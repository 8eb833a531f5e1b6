// `npm test`: the static checks that take seconds, then jest with whatever arguments it was given. All of them run in any
// case; a check that fails counts as a failed test. The last line of the output is `N passed, N failed`.
// SLUICE_CHECKS=passed|failed says that `npm run check` ran just before, as in .ci/run.
import { spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';

const CHECKS = ['format:check', 'lint', 'deps', 'lockcheck'];

const failedChecks = runChecks();
const { status, closingLine } = await runJest(process.argv.slice(2));
const { passed, failed, rest } = countsOf(closingLine);
if (failedChecks.length > 0) process.stdout.write(`Failed before the tests: ${failedChecks.join(', ')}\n`);
process.stdout.write(`\n${passed} passed, ${failed + failedChecks.length} failed${rest}\n`);
process.exitCode = failed + failedChecks.length > 0 ? 1 : status;

function runChecks() {
  const done = process.env.SLUICE_CHECKS;
  if (done) return done === 'passed' ? [] : ['check'];
  return CHECKS.filter((check) => {
    const { status, stdout, stderr } = spawnSync('npm', ['run', '--silent', check], { encoding: 'utf8' });
    if (status !== 0) process.stderr.write(`npm run ${check}:\n${stdout}${stderr}\n`);
    return status !== 0;
  });
}

/** jest reports on stderr; of stdout, only the closing line of test/closing-line.mjs is held back. */
async function runJest(args) {
  const jest = spawn(process.execPath, ['node_modules/jest/bin/jest.js', '--forceExit', ...args], {
    stdio: ['inherit', 'pipe', 'inherit'],
  });
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => jest.kill(signal));
  const ended = new Promise((resolve) => jest.once('exit', (code) => resolve(code ?? 1)));
  let closingLine = '';
  for await (const line of createInterface({ input: jest.stdout })) {
    if (isClosingLine(line)) closingLine = line;
    else if (line !== '') process.stdout.write(`${line}\n`);
  }
  return { status: await ended, closingLine };
}

function isClosingLine(line) {
  return /^\d+ passed, \d+ failed/.test(line);
}

/** A jest that did not come to its closing line has failed as a whole. */
function countsOf(line) {
  const [, passed, failed, rest] = /^(\d+) passed, (\d+) failed(.*)$/.exec(line) ?? [];
  return passed === undefined ? { passed: 0, failed: 1, rest: '' } : { passed, failed: Number(failed), rest };
}
