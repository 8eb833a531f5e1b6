#!lua flags=allow-oom
-- A job that ended too many workers goes to the group's suspects, which run one at a time in a process of their own.
--
-- KEYS[1]  {sluice:<group>}:job:<id>                 hash, the job record
-- KEYS[2]  {sluice:<group>}:due                      sorted set
-- KEYS[3]  {sluice:<group>}:suspects                 sorted set: job id -> when it was handed to their queue, until it begins
-- KEYS[4]  {sluice:<group>}:inference:<id>-<n>:lock  BullMQ's own key: token of the run that holds its job
-- ARGV[1]  job id
-- ARGV[2]  n of its BullMQ job, <id>-<n>
-- ARGV[3]  BullMQ's token of the run that was told 'suspect'
-- Returns  {n to add it under, its inbox, crashes} | {} it is not this run's (any more)
-- Time     Redis TIME, ms
--
-- The crash that `begin` found is counted here, and the lost run's epoch ends. Safe to repeat.

local record = redis.call('HMGET', KEYS[1], 'state', 'fed', 'replyTo', 'deadline', 'crashes')
local n = tonumber(ARGV[2])
if record[1] == 'queued' and tonumber(record[2]) == n + 1 and redis.call('ZSCORE', KEYS[3], ARGV[1]) then
  return { n + 1, record[3], tonumber(record[5]) }
end
if record[1] ~= 'running' or record[2] ~= ARGV[2] or redis.call('GET', KEYS[4]) ~= ARGV[3] then return {} end

local time = redis.call('TIME')
local crashes = redis.call('HINCRBY', KEYS[1], 'crashes', 1)
redis.call('HINCRBY', KEYS[1], 'epoch', 1)
redis.call('HSET', KEYS[1], 'state', 'queued', 'fed', n + 1)
redis.call('HDEL', KEYS[1], 'worker')
redis.call('ZADD', KEYS[2], record[4], ARGV[1])
redis.call('ZADD', KEYS[3], time[1] * 1000 + math.floor(time[2] / 1000), ARGV[1])
return { n + 1, record[3], crashes }
