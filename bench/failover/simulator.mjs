import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { launch, node, root, scratchFile } from '../machine/processes.mjs';

/** `sluice simulator` in a process of its own, and its admin routes. */
export async function startSimulator(profiles, script) {
  const file = scratchFile('script.json');
  writeFileSync(file, JSON.stringify(script));
  const args = [join(root, 'bin', 'sluice.mjs'), 'simulator', '--port', '0', '--script', file];
  const { match, stop } = await launch('simulator', node, args, { ready: /simulator answers at (\S+)/ });
  const origin = match[1];
  const admin = async (path, options) => {
    const response = await fetch(`${origin}/_sim/${path}`, { ...options, signal: AbortSignal.timeout(10_000) });
    if (!response.ok) throw new Error(`The simulator refused ${path}: ${await response.text()}`);
    return response.json();
  };
  const setProfile = (name, profile) => admin(`profiles/${name}`, { method: 'PUT', body: JSON.stringify(profile) });
  for (const [name, profile] of Object.entries(profiles)) await setProfile(name, profile);
  const reset = () => admin('reset', { method: 'POST' });
  return { origin, setProfile, reset, requests: async () => (await admin('requests')).data, stop };
}
