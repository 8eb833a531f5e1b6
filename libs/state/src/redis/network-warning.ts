import { clusterNodes } from './open-redis.js';

/**
 * What to say of a Redis beyond this machine that anybody on the way can read or use; undefined when there is nothing.
 * Prompts, answers and jobs are in it. A socket's path and loopback are this machine's own.
 */
export function networkWarning(url: string): string | undefined {
  if (!url.includes('://')) return undefined;
  const cluster = clusterNodes(url);
  const single = cluster === undefined ? new URL(url) : undefined;
  const hosts = cluster?.hosts.map(({ host }) => host) ?? [single!.hostname];
  const far = hosts.find((host) => !isLoopback(host));
  if (far === undefined) return undefined;
  const hasPassword = Boolean(cluster?.password ?? single?.password);
  const isSecure = cluster?.secure ?? single?.protocol === 'rediss:';
  if (hasPassword && isSecure) return undefined;
  const lacks = [hasPassword ? [] : ['a password'], isSecure ? [] : ['TLS']].flat().join(' and ');
  const risk = hasPassword ? 'read' : 'read and change';
  const scheme = cluster === undefined ? 'rediss' : 'rediss-cluster';
  return `Redis at ${far} is used without ${lacks}: whoever reaches that network can ${risk} every call. Use ${scheme}://USER:PASSWORD@…, or a network of its own.`;
}

const isLoopback = (host: string): boolean => /^(localhost|127(\.\d+){3}|\[?::1\]?|)$/i.test(host);
