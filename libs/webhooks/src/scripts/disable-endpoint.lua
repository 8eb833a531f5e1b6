#!lua flags=allow-oom
-- Disables an endpoint of which somebody found that it takes nothing any more, unless it was changed meanwhile.
-- KEYS[1]  {sluice}:webhooks:endpoint:<id>  hash
-- KEYS[2]  {sluice}:webhooks:failing        sorted set: endpoint -> first failure since its last success
-- KEYS[3]  {sluice}:webhooks:closing        hash: endpoint -> why '@' when
-- KEYS[4]  {sluice}:webhooks:disabled       hash: endpoint -> {version, reason, atMs}, for the store
-- ARGV     id, version, reason, failing since at the latest (ms; '' for at once)
-- Returns  1, or 0 when it is not so
-- Time     ms, Redis TIME
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local id, version, reason, latest = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local known = redis.call('HMGET', KEYS[1], 'version', 'status')
if known[1] ~= version or known[2] ~= 'enabled' then
  return 0
end
if latest then
  local since = tonumber(redis.call('ZSCORE', KEYS[2], id) or math.huge)
  if since > latest then
    return 0
  end
end
redis.call('ZREM', KEYS[2], id)
redis.call('HSET', KEYS[1], 'status', 'disabled', 'reason', reason)
redis.call('HSET', KEYS[3], id, reason .. '@' .. string.format('%.0f', now))
redis.call('HSET', KEYS[4], id, cjson.encode({ version = tonumber(version), reason = reason, atMs = now }))
return 1
