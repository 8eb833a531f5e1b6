import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { coalesceWrites } from './coalesce-writes.js';
import { watchSilence } from './watch-silence.js';

/**
 * `api` fails fast, `worker` waits for the connection to return, `subscriber` does nothing but listen, `disk` waits for syncs:
 * nothing of it is ever sent again over another connection.
 */
export type RedisRole = 'api' | 'worker' | 'subscriber' | 'disk';

interface OpenAs {
  role: RedisRole;
  /** Hears of each failed try; without a listener ioredis would print them. */
  onError: (error: Error) => void;
}

const SLOWEST_RETRY_MS = 2_000;
/** A caller of the api is told within a second. */
const SILENCE_MS = 800;

/** Whoever waits for Redis goes on within 5 s of its return, also when it still loads its file or swallows packets. */
const RECOVERY: RedisOptions = {
  connectTimeout: 2_000,
  maxLoadingRetryTime: 1_000,
  retryStrategy: retryDelayMs,
  // After a failover we may hang on what is now a replica: reconnect and send the command again.
  reconnectOnError: (error) => (error.message.includes('READONLY') ? 2 : false),
};

/**
 * What the roles want of a connection while Redis is away. A caller of the api is answered within a second, so its commands
 * are refused at once, and those in flight when it broke or fell silent fail with it; BullMQ's workers demand
 * `maxRetriesPerRequest: null`: their commands wait. Nobody watches their silence: blocking reads are commands too.
 */
const OPTIONS: Record<RedisRole, RedisOptions> = {
  api: { enableOfflineQueue: false, maxRetriesPerRequest: 0 },
  worker: { maxRetriesPerRequest: null },
  subscriber: { maxRetriesPerRequest: null, autoResubscribe: true },
  disk: { enableOfflineQueue: false, maxRetriesPerRequest: 0, autoResendUnfulfilledCommands: false },
};

/**
 * Opens a connection, which goes on trying for as long as it lives.
 * @param url `redis://…`, `rediss://…`, the path of a Unix socket, or `redis-cluster://[user:password@]host:port,host:port`
 *   (`rediss-cluster://` with TLS): some nodes of a Redis Cluster, which name the others.
 */
export function openRedis(url: string, { role, onError }: OpenAs): Redis {
  const options = { ...RECOVERY, ...OPTIONS[role] };
  const nodes = clusterNodes(url);
  if (nodes !== undefined) return openCluster(nodes, options, onError);
  const isPath = url.includes('/') && !url.includes('://'); // ioredis takes a relative one for a host
  const redis = isPath ? new Redis({ ...options, path: url }) : new Redis(url, options);
  redis.on('error', onError);
  if (role === 'api' || role === 'worker') coalesceWrites(redis);
  if (role === 'api') watchSilence(redis, SILENCE_MS);
  return redis;
}

/** One node of a Redis Cluster. @param address `host:port`, as the Cluster tells it */
export function openNode(url: string, address: string, { role, onError }: OpenAs): Redis {
  const colon = address.lastIndexOf(':');
  const { hosts: _, secure, ...credentials } = clusterNodes(url)!;
  const redis = new Redis({
    ...RECOVERY,
    ...OPTIONS[role],
    ...credentials,
    ...(secure ? { tls: {} } : {}),
    host: address.slice(0, colon),
    port: Number(address.slice(colon + 1)),
  });
  redis.on('error', onError);
  return redis;
}

/** A Cluster answers to the same commands; each goes to the node of its keys' slot, and all keys of a group share one. */
function openCluster(
  { hosts, secure, ...credentials }: ClusterNodes,
  options: RedisOptions,
  onError: (error: Error) => void,
): Redis {
  const { retryStrategy: _, ...perNode } = options;
  const cluster = new Cluster(hosts, {
    clusterRetryStrategy: retryDelayMs,
    enableOfflineQueue: options.enableOfflineQueue ?? true,
    redisOptions: { ...perNode, ...credentials, ...(secure ? { tls: {} } : {}) },
    ...(secure ? { dnsLookup: (address, callback) => callback(null, address) } : {}), // certificates bear names
  });
  cluster.on('error', onError);
  return cluster as unknown as Redis;
}

interface ClusterNodes {
  hosts: { host: string; port: number }[];
  secure: boolean;
  username?: string;
  password?: string;
}

/** Undefined when the URL is no cluster's. */
export function clusterNodes(url: string): ClusterNodes | undefined {
  const match = /^redis(s?)-cluster:\/\/(?:([^:@]*):([^@]*)@)?([^/]+)\/?$/.exec(url);
  if (match === null) return undefined;
  const hosts = match[4]!.split(',').map((text) => {
    const { hostname, port } = new URL(`http://${text}`);
    return { host: hostname, port: port === '' ? 6379 : Number(port) };
  });
  const username = decodeURIComponent(match[2] ?? '');
  const password = decodeURIComponent(match[3] ?? '');
  return { hosts, secure: match[1] === 's', ...(username ? { username } : {}), ...(password ? { password } : {}) };
}

/** 50 ms, doubled up to 2 s: whoever waits for Redis goes on at most that long after its return. */
export function retryDelayMs(tries: number): number {
  return Math.min(50 * 2 ** Math.min(tries - 1, 10), SLOWEST_RETRY_MS);
}
