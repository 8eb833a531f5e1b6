#!lua flags=allow-oom
-- Erases a job that is over, or only what a dead letter keeps for another try.
--
-- KEYS[1]  {sluice:<group>}:job:<id>       hash, the job record
-- KEYS[2]  {sluice:<group>}:stream:<id>    stream of its frames
-- ARGV[1]  job id
-- ARGV[2]  'erased': record and stream are gone · 'dismissed': its request is gone, and it is no dead letter any more
-- ARGV[3]  prefix of the group's keys, {sluice:<group>}:
-- Returns  'done' | 'unfinished' it is not over | 'gone' no record (any more)
-- Time     none
--
-- The ledger is told of it behind the end: whoever keeps rows of jobs finds both in this order.

local record = redis.call('HMGET', KEYS[1], 'outcome', 'durable', 'state')
if not record[3] then return 'gone' end
if not record[1] then return (record[3] == 'queued' or record[3] == 'running') and 'unfinished' or 'gone' end -- freed
if record[2] then tell_ledger(ARGV[3], 't', ARGV[2], 'j', ARGV[1], 'd', record[2]) end
if ARGV[2] == 'erased' then
  redis.call('DEL', KEYS[1], KEYS[2])
else
  redis.call('HDEL', KEYS[1], 'request', 'asked')
  redis.call('HSET', KEYS[1], 'dismissed', 1)
end
return 'done'
