#!lua flags=allow-oom
-- A worker says that it lives, to the whole installation.
--
-- KEYS[1]  sluice:workers   sorted set: worker id -> last beat
-- ARGV[1]  worker id
-- ARGV[2]  1: it leaves
-- Returns  Redis TIME, ms
-- Time     Redis TIME, ms

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if ARGV[2] == '1' then
  redis.call('ZREM', KEYS[1], ARGV[1])
else
  redis.call('ZADD', KEYS[1], now, ARGV[1])
end
return now
