#!lua flags=allow-oom
-- A worker says that it lives and how many jobs of this group it runs at a time; the group's window follows.
--
-- KEYS[1]  {sluice:<group>}:workers      sorted set: worker id -> last beat
-- KEYS[2]  {sluice:<group>}:capacity     hash: worker id -> jobs at a time
-- KEYS[3]  {sluice:<group>}:pace         hash: window, runnable jobs that BullMQ may hold; beat, the last of any worker;
--          called, the last beat of one that ran calls which somebody waited for
-- ARGV[1]  worker id
-- ARGV[2]  jobs at a time; 0: it leaves
-- ARGV[3]  ms of silence after which a worker is dead
-- ARGV[4]  window as a multiple of the capacity
-- ARGV[5]  1: since its last beat it ran such calls
-- Returns  jobs at a time, all living workers together
-- Time     Redis TIME, ms

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if ARGV[2] == '0' then
  redis.call('ZREM', KEYS[1], ARGV[1])
  redis.call('HDEL', KEYS[2], ARGV[1])
else
  redis.call('ZADD', KEYS[1], now, ARGV[1])
  redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
end
for _, dead in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[3])) do
  redis.call('ZREM', KEYS[1], dead)
  redis.call('HDEL', KEYS[2], dead)
end
local capacity = 0
for _, n in ipairs(redis.call('HVALS', KEYS[2])) do capacity = capacity + n end
redis.call('HSET', KEYS[3], 'window', capacity * ARGV[4])
local beat = redis.call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2]
if beat then
  redis.call('HSET', KEYS[3], 'beat', beat)
else
  redis.call('HDEL', KEYS[3], 'beat')
end
if ARGV[5] == '1' then redis.call('HSET', KEYS[3], 'called', string.format('%.0f', now)) end
return capacity
