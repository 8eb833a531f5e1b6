-- Keeps an endpoint as the store has it now, unless a newer version is kept already.
-- KEYS[1]  {sluice}:webhooks:endpoint:<id>        hash
-- KEYS[2]  {sluice}:webhooks:endpoints-of:<tenant> set of ids
-- KEYS[3]  {sluice}:webhooks:failing              sorted set: endpoint -> first failure since its last success
-- KEYS[4]  {sluice}:webhooks:closing              hash: endpoint -> why
-- ARGV     id, version, 'enabled' | 'disabled' | 'deleted', data (JSON; '' when deleted), how long a deleted one is kept (ms)
-- Returns  1, or 0 when it was known
-- Time     ms
local id, version, status = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local known = redis.call('HMGET', KEYS[1], 'version', 'status')
if known[1] and tonumber(known[1]) >= version then
  return 0
end
redis.call('HSET', KEYS[1], 'version', ARGV[2], 'status', status, 'data', ARGV[4])
if status == 'enabled' then
  if known[2] ~= 'enabled' then
    redis.call('ZREM', KEYS[3], id)
    redis.call('HDEL', KEYS[4], id)
  end
else
  redis.call('ZREM', KEYS[3], id)
  if known[2] == 'enabled' then
    redis.call('HSET', KEYS[4], id, status)
  end
end
if status == 'deleted' then
  redis.call('SREM', KEYS[2], id)
  redis.call('PEXPIRE', KEYS[1], ARGV[5])
else
  redis.call('SADD', KEYS[2], id)
  redis.call('PERSIST', KEYS[1])
end
return 1
