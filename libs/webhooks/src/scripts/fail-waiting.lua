#!lua flags=allow-oom
-- Ends some of the deliveries that wait in the lane of an endpoint that takes no more. What flies is ended when it lands.
-- KEYS[1]  {sluice}:webhooks:waiting:<lane>  sorted set: delivery -> due
-- KEYS[2]  {sluice}:webhooks:unwritten       sorted set: delivery -> changed
-- KEYS[3]  {sluice}:webhooks:endpoint:<lane> hash
-- ARGV     prefix of all keys, most, attempt (JSON)
-- Returns  how many; 0 also when the endpoint takes deliveries again
-- Time     ms, Redis TIME
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if redis.call('HGET', KEYS[3], 'status') == 'enabled' then
  return 0
end
local ids = redis.call('ZRANGE', KEYS[1], 0, tonumber(ARGV[2]) - 1)
for _, id in ipairs(ids) do
  local record = ARGV[1] .. 'delivery:' .. id
  redis.call('ZREM', KEYS[1], id)
  local attempts = redis.call('HGET', record, 'attempts')
  if attempts then
    attempts = attempts == '' and ARGV[3] or (attempts .. ',' .. ARGV[3])
    redis.call('HSET', record, 'status', 'failed', 'next', '', 'attempts', attempts)
    redis.call('HINCRBY', record, 'rev', 1)
    redis.call('ZADD', KEYS[2], now, id)
  end
end
return #ids
