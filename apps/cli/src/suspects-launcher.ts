import { spawn, type ChildProcess } from 'node:child_process';
import type { LoadInput, Settings } from '@sluice/config';

/**
 * Starts this program once more, as the process that runs a worker's suspects: the same configuration, the same Redis.
 * Undefined for the demonstration, which has no file to name and does without.
 */
export function suspectsLauncher(
  { env, cwd, args }: LoadInput,
  settings: Settings,
  redisUrl: string,
): ((tag: string) => ChildProcess) | undefined {
  const { configFile, masterKey, workerGroups } = settings;
  if (configFile === undefined) return undefined;
  const words = [...process.execArgv, process.argv[1]!, 'worker', '--roles', 'inference', '--config', configFile];
  if (workerGroups !== undefined) words.push('--groups', workerGroups.join(','));
  if (args.allowUnsupported) words.push('--allow-unsupported');
  const childEnv: NodeJS.ProcessEnv = { ...env, REDIS_URL: redisUrl };
  if (settings.masterKeyIsGenerated) childEnv.LITELLM_MASTER_KEY = masterKey; // it has no data folder to find it in
  return (tag) =>
    spawn(process.execPath, [...words, '--suspects', tag], {
      cwd,
      env: childEnv,
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'], // the channel is there to break when this process is killed
    });
}
