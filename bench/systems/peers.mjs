import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { launch, node, root, run, say } from '../machine/processes.mjs';
import { configFile } from './sluice.mjs';

/** Installed on demand, ignored by git. */
const folder = join(root, 'bench', '.peers');
const PORTKEY = '1.15.2';
/** The release whose configuration Sluice reads; 1.82.7 and 1.82.8 must never be installed. */
const LITELLM = '1.85.7';
const INSTALLED_WITHIN_MS = 900_000;

/**
 * Portkey's gateway: Node, no queue.
 * @param routing what stands in x-portkey-config
 */
export async function startPortkey({ routing, port }) {
  const home = join(folder, `portkey-${PORTKEY}`);
  const server = join(home, 'node_modules', '@portkey-ai', 'gateway', 'build', 'start-server.js');
  if (!existsSync(server)) await installPortkey(home);
  const gateway = await launch('portkey', node, [server, `--port=${port}`, '--headless'], {
    ready: /running at|Ready|localhost:\d+/i,
    env: { NODE_ENV: 'production', TRUSTED_CUSTOM_HOSTS: '127.0.0.1,localhost' },
  });
  return {
    origin: `http://127.0.0.1:${port}`,
    headers: { authorization: 'Bearer sk-upstream', 'x-portkey-config': JSON.stringify(routing) },
    pids: [gateway.pid],
    stop: gateway.stop,
  };
}

async function installPortkey(home) {
  say(`Installing Portkey ${PORTKEY} into bench/.peers …`);
  mkdirSync(home, { recursive: true });
  const manifest = {
    private: true,
    dependencies: { '@portkey-ai/gateway': PORTKEY },
    overrides: { '@hono/node-server': '1.13.5' }, // later ones refuse the Request that this release makes
  };
  writeFileSync(join(home, 'package.json'), JSON.stringify(manifest));
  const args = ['install', '--no-fund', '--no-audit', '--loglevel=error', '--ignore-scripts'];
  await run('npm', args, { cwd: home, withinMs: INSTALLED_WITHIN_MS, inherit: true });
}

/** LiteLLM's proxy with one worker, reading the very config.yaml that Sluice reads. Undefined: no Python 3.10 or later. */
export async function startLiteLlm({ config, key, port }) {
  const home = join(folder, `litellm-${LITELLM}`);
  const litellm = join(home, 'bin', 'litellm');
  if (!existsSync(litellm) && !(await installLiteLlm(home))) return undefined;
  const args = ['--config', configFile(config), '--port', String(port), '--host', '127.0.0.1', '--num_workers', '1'];
  const proxy = await launch('litellm', litellm, args, {
    ready: /Application startup complete/,
    env: { LITELLM_LOCAL_MODEL_COST_MAP: 'True', NO_PROXY: '127.0.0.1' }, // it would fetch a price list
    withinMs: 180_000,
  });
  return {
    origin: `http://127.0.0.1:${port}`,
    headers: { authorization: `Bearer ${key}` },
    pids: [proxy.pid],
    stop: proxy.stop,
  };
}

async function installLiteLlm(home) {
  const isThere = await run('python3', ['-c', 'import sys, venv; sys.exit(sys.version_info < (3, 10))'], {
    withinMs: 10_000,
  }).then(
    () => true,
    () => false,
  );
  if (!isThere) {
    say('LiteLLM is left out: there is no Python 3.10 or later with venv.');
    return false;
  }
  say(`Installing LiteLLM ${LITELLM} into bench/.peers …`);
  mkdirSync(folder, { recursive: true });
  const options = { cwd: folder, withinMs: INSTALLED_WITHIN_MS, inherit: true };
  await run('python3', ['-m', 'venv', home], options);
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', `litellm[proxy]==${LITELLM}`];
  await run(join(home, 'bin', 'python'), pip, options);
  return true;
}
