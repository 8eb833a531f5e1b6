export { Connections, ConnectionsModule } from './redis/connections.module.js';
export { BreakerNews } from './redis/breaker-news.js';
export { DeploymentBreakers } from './deployment-breakers.js';
export { checkRedis } from './redis/check-redis.js';
export { Leases } from './redis/leases.js';
export { openRedis, type RedisRole } from './redis/open-redis.js';
export { RedisClock } from './redis/redis-clock.js';
export { untilReady } from './redis/until-ready.js';
