#!lua flags=allow-oom
-- The process that runs suspects died by itself: what it ran has crashed once more.
--
-- KEYS[1]  {sluice:<group>}:suspects-queue:active    BullMQ's own list of job ids
-- ARGV[1]  BullMQ's prefix of job keys, {sluice:<group>}:suspects-queue:
-- ARGV[2]  record prefix, {sluice:<group>}:job:
-- ARGV[3]  worker id of that process
-- Returns  ids of the jobs
-- Time     none
--
-- Safe to repeat: a job is counted once for each run, since its record forgets who ran it.

local crashed = {}
for _, id in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
  if redis.call('HGET', ARGV[1] .. id, 'pb') == ARGV[3] then
    local job = string.match(id, '^(.*)%-%d+$')
    local record = redis.call('HMGET', ARGV[2] .. job, 'state', 'worker')
    if record[1] == 'running' and record[2] == ARGV[3] then
      redis.call('HSET', ARGV[2] .. job, 'worker', '')
      redis.call('HINCRBY', ARGV[2] .. job, 'crashes', 1)
      crashed[#crashed + 1] = job
    end
  end
end
return crashed
