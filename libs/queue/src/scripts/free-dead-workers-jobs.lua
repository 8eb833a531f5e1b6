-- Deletes the BullMQ locks of the active jobs that a dead worker holds, so that the next stalled check restarts them.
--
-- KEYS[1]  {sluice:<group>}:inference:active    BullMQ's own list of job ids
-- ARGV[1]  BullMQ's prefix of job keys, {sluice:<group>}:inference:
-- ARGV[2…] names of dead workers (BullMQ keeps a job's worker in its field `pb`)
-- Returns  number of locks deleted
-- Time     none

local dead = {}
for i = 2, #ARGV do dead[ARGV[i]] = true end
local freed = 0
for _, id in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
  local worker = redis.call('HGET', ARGV[1] .. id, 'pb')
  if worker and dead[worker] then freed = freed + redis.call('DEL', ARGV[1] .. id .. ':lock') end
end
return freed
