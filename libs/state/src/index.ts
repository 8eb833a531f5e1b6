export { Leases } from './redis/leases.js';
export { openRedis, type RedisRole } from './redis/open-redis.js';
