#!lua flags=allow-oom
-- Writes down how far a job has come, and looks whether it may go on: before every further provider call.
--
-- KEYS[1]  {sluice:<group>}:job:<id>     hash, the job record
-- ARGV[1]  epoch of the run
-- ARGV[2]  progress, JSON
-- Returns  'go' | 'stale' another run has begun, or it is over | 'cancelled'
-- Time     none

local record = redis.call('HMGET', KEYS[1], 'epoch', 'state', 'cancel')
if record[1] ~= ARGV[1] or record[2] ~= 'running' then return 'stale' end
redis.call('HSET', KEYS[1], 'progress', ARGV[2])
return record[3] and 'cancelled' or 'go'
