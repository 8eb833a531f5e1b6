#!lua flags=allow-oom
-- A run ends without an outcome: the job waits again. No attempt is used, no crash counted.
--
-- KEYS[1]  {sluice:<group>}:job:<id>     hash, the job record
-- KEYS[2]  {sluice:<group>}:due          sorted set
-- KEYS[3]  {sluice:<group>}:fed          sorted set
-- KEYS[4]  {sluice:<group>}:pace         hash: until, burst, out, outSeen
-- ARGV[1]  epoch of the run
-- ARGV[2]  job id
-- ARGV[3]  progress, JSON
-- ARGV[4]  when it expires unstarted, Unix ms
-- ARGV[5]  'backlog': nothing free, back to the head of its line; 'handed_back': its BullMQ job goes back to wait
-- ARGV[6]  nothing is fed before this, Unix ms; 0: no such thing
-- ARGV[7]  prefix of the group's keys, {sluice:<group>}:
-- ARGV[8]  since when failures alone have shut the group, Unix ms; empty: it is full, or cools
-- Returns  'requeued' | 'stale' | 'cancelled' (finish it instead)
-- Time     Redis TIME, ms
--
-- Safe to repeat: under the same epoch only this run can have made it wait.

local record = redis.call('HMGET', KEYS[1], 'epoch', 'state', 'cancel', 'place', 'fed')
if record[1] == ARGV[1] and record[2] == 'queued' then return 'requeued' end
if record[1] ~= ARGV[1] or record[2] ~= 'running' then return 'stale' end
if record[3] then return 'cancelled' end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', KEYS[1], 'state', 'queued', 'progress', ARGV[3])
redis.call('HDEL', KEYS[1], 'worker')
redis.call('ZADD', KEYS[2], ARGV[4], ARGV[2])
if ARGV[5] == 'handed_back' then
  redis.call('ZADD', KEYS[3], now, ARGV[2])
else
  local fed = tonumber(record[5])
  local order, line = string.match(record[4], '^(%d+) (.*)$')
  join_line(ARGV[7], line, ARGV[2], order, redis.call('HSTRLEN', KEYS[1], 'request'), fed > 1)
  if fed > 1 then count_starts(ARGV[7], -1, now) end
  redis.call('HSET', KEYS[1], 'fed', fed + 1) -- what BullMQ still has of it is of an older number
  redis.call('HSET', KEYS[4], 'until', ARGV[6], 'burst', 1)
  if ARGV[8] ~= '' then
    local out, seen = unpack(redis.call('HMGET', KEYS[4], 'out', 'outSeen'))
    local goes_on = seen and now - tonumber(seen) <= 8000 -- as in core's outage.ts
    local since = goes_on and math.min(tonumber(out), tonumber(ARGV[8])) or tonumber(ARGV[8])
    redis.call('HSET', KEYS[4], 'out', string.format('%d', since), 'outSeen', string.format('%d', now))
  end
end
return 'requeued'
