-- The lines that wait in a group, and how fast it goes.
--
-- KEYS[1]  {sluice:<group>}:backlog      sorted set: line that waits -> virtual start of its first job
-- KEYS[2]  {sluice:<group>}:pace         hash: until, jobs, bytes
-- KEYS[3]  {sluice:<group>}:starts       hash: span of a second -> jobs that left the backlog for good
-- ARGV[1]  prefix of the group's lines, {sluice:<group>}:line: (they are in the same slot)
-- Returns  {now, until, jobs, bytes, {span, starts, …}, {line, virtual start, jobs, …}}
-- Time     Redis TIME, ms

local time = redis.call('TIME')
local pace = redis.call('HMGET', KEYS[2], 'until', 'jobs', 'bytes')
local lines = {}
local scored = redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')
for i = 1, #scored, 2 do
  lines[#lines + 1] = scored[i]
  lines[#lines + 1] = scored[i + 1]
  lines[#lines + 1] = redis.call('ZCARD', ARGV[1] .. scored[i])
end
return { time[1] * 1000 + math.floor(time[2] / 1000), tonumber(pace[1] or 0), tonumber(pace[2] or 0),
  tonumber(pace[3] or 0), redis.call('HGETALL', KEYS[3]), lines }
