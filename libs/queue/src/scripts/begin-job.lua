-- Starts a run of a job: raises the epoch, so that whatever an earlier run still writes is refused.
--
-- KEYS[1]  {sluice:<group>}:job:<id>     hash, the job record
-- KEYS[2]  {sluice:<group>}:due          sorted set
-- KEYS[3]  {sluice:<group>}:fed          sorted set
-- KEYS[4]  {sluice:<group>}:backlog      sorted set
-- ARGV[1]  job id
-- ARGV[2]  worker id
-- ARGV[3]  ms after its deadline when a job that still runs is ended from outside
-- Returns  {'gone'} no record · {'over'} terminal already ·
--          {'begun', epoch, crashes, now, seq, cancelled 0|1, 1 when jobs wait in the backlog, request, job, progress}
-- Time     Redis TIME, ms
--
-- A record that is `running` under an older epoch lost its worker: that is a crash. A hand-back sets `queued` first.

local record = redis.call('HMGET', KEYS[1], 'state', 'request', 'job', 'progress', 'seq', 'cancel', 'startedAt', 'deadline')
local state = record[1]
if not state then return { 'gone' } end
if state ~= 'queued' and state ~= 'running' then return { 'over' } end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local epoch = redis.call('HINCRBY', KEYS[1], 'epoch', 1)
local crashes = 0
if state == 'running' then
  crashes = redis.call('HINCRBY', KEYS[1], 'crashes', 1)
else
  crashes = tonumber(redis.call('HGET', KEYS[1], 'crashes') or 0)
  redis.call('ZREM', KEYS[3], ARGV[1])
end
-- The net below every other: whatever becomes of its workers, it has an outcome soon after its deadline.
redis.call('ZADD', KEYS[2], string.format('%.0f', tonumber(record[8] or 0) + ARGV[3]), ARGV[1])
redis.call('HSET', KEYS[1], 'state', 'running', 'worker', ARGV[2], 'startedAt', record[7] or string.format('%.0f', now))
return { 'begun', epoch, crashes, now, tonumber(record[5] or 0), record[6] and 1 or 0,
  redis.call('EXISTS', KEYS[4]), record[2], record[3], record[4] or '' }
