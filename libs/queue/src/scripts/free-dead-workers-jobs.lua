#!lua flags=allow-oom
-- Deletes the BullMQ locks of the active jobs that a dead worker holds, so that the next stalled check restarts them: it
-- takes what an earlier check has marked, and none may have come since the job began.
--
-- KEYS[1]  {sluice:<group>}:inference:active    BullMQ's own list of job ids
-- KEYS[2]  {sluice:<group>}:inference:stalled          BullMQ's own set of marked jobs
-- KEYS[3]  {sluice:<group>}:inference:stalled-check    BullMQ's own key: there was a check in the last interval
-- ARGV[1]  BullMQ's prefix of job keys, {sluice:<group>}:inference:
-- ARGV[2…] names of dead workers (BullMQ keeps a job's worker in its field `pb`)
-- Returns  number of locks deleted
-- Time     none

local dead = {}
for i = 2, #ARGV do dead[ARGV[i]] = true end
local freed = 0
for _, id in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
  local worker = redis.call('HGET', ARGV[1] .. id, 'pb')
  if worker and dead[worker] and redis.call('DEL', ARGV[1] .. id .. ':lock') == 1 then
    redis.call('SADD', KEYS[2], id)
    freed = freed + 1
  end
end
if freed > 0 then redis.call('DEL', KEYS[3]) end
return freed
