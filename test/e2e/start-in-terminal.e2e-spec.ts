import { execFile } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { buildSluice, temporaryFolder } from '../support/sluice-process.js';

/** Runs the program in a terminal of its own, hangs up, and says what became of it. Node has no pseudo-terminals. */
const IN_A_TERMINAL = `
import json, os, pty, select, signal, sys, time
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
def read_until(word):
    seen, end = b'', time.time() + 15
    while word not in seen and time.time() < end:
        if select.select([terminal], [], [], 0.1)[0]:
            seen += os.read(terminal, 65536)
    return word in seen
up = read_until(b'answers at')
os.kill(pid, signal.SIGHUP)
reloaded = read_until(b'config.reloaded')
os.close(terminal)
ended, end = False, time.time() + 10
while not ended and time.time() < end:
    ended = os.waitpid(pid, os.WNOHANG)[0] != 0
    time.sleep(0.05)
if not ended:
    os.kill(pid, signal.SIGKILL)
print(json.dumps({'up': up, 'reloaded': reloaded, 'ended': ended}))
`;

describe('sluice start in a terminal', () => {
  beforeAll(() => buildSluice(), 60_000);

  it('reloads on SIGHUP, and ends, its Redis with it, when the terminal is closed', async () => {
    const cwd = temporaryFolder();
    const model = '{model_name: a, litellm_params: {model: openai/x, api_base: "http://127.0.0.1:9/v1", api_key: x}}';
    writeFileSync(join(cwd, 'config.yaml'), `model_list: [${model}]\ngeneral_settings: {master_key: sk-test}\n`);
    const program = join(import.meta.dirname, '..', '..', 'bin', 'sluice.mjs');
    const args = ['-c', IN_A_TERMINAL, process.execPath, program, 'start', '--port', '0'];
    const { PATH, HOME } = process.env;
    const { stdout } = await promisify(execFile)('python3', args, { cwd, env: { PATH, HOME } });
    expect(JSON.parse(stdout)).toEqual({ up: true, reloaded: true, ended: true });
    expect(existsSync(join(cwd, 'data', 'redis.sock'))).toBe(false);
  }, 60_000);
});
