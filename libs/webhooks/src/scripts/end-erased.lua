#!lua flags=allow-oom
-- Ends a delivery that waits, since its job is erased. What flies is looked at again when it has landed.
-- KEYS[1]  {sluice}:webhooks:delivery:<id>   hash
-- KEYS[2]  {sluice}:webhooks:waiting:<lane>  sorted set: delivery -> due
-- KEYS[3]  {sluice}:webhooks:unwritten       sorted set: delivery -> changed
-- ARGV     id, attempt (JSON), '1' when it ends although it was never tried
-- Returns  1; 0 when it does not wait, or is to be tried first
-- Time     ms, Redis TIME
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local found = redis.call('HMGET', KEYS[1], 'status', 'tries', 'attempts')
if found[1] ~= 'pending' or (found[2] == '0' and ARGV[3] ~= '1') then
  return 0
end
if redis.call('ZREM', KEYS[2], ARGV[1]) == 0 then
  return 0
end
local attempts = (found[3] or '') == '' and ARGV[2] or (found[3] .. ',' .. ARGV[2])
redis.call('HSET', KEYS[1], 'status', 'failed', 'next', '', 'attempts', attempts)
redis.call('HINCRBY', KEYS[1], 'rev', 1)
redis.call('ZADD', KEYS[3], now, ARGV[1])
return 1
