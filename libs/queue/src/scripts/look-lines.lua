-- What waits in a group, and how fast it goes.
--
-- KEYS[1]  {sluice:<group>}:backlog            sorted set: line that waits -> virtual start of its first job
-- KEYS[2]  {sluice:<group>}:pace               hash: until, jobs, bytes, paused
-- KEYS[3]  {sluice:<group>}:starts             hash: span of a second -> jobs that left the backlog for good
-- KEYS[4]  {sluice:<group>}:fed                sorted set: job id -> when it was handed to BullMQ, until it begins
-- KEYS[5]  {sluice:<group>}:inference:active   BullMQ's own list
-- KEYS[6]  {sluice:<group>}:delayed            sorted set: job id -> Unix ms before which it does not start
-- ARGV[1]  prefix of the group's lines, {sluice:<group>}:line: (they are in the same slot)
-- Returns  {now, until, jobs, bytes, fed and not begun, when the first of these was fed or 0, active, delayed, 1 when paused,
--           {span, starts, …}, {line, virtual start, jobs, arrival of its first job (µs), …}}
-- Time     Redis TIME, ms; arrivals in µs

local time = redis.call('TIME')
local pace = redis.call('HMGET', KEYS[2], 'until', 'jobs', 'bytes', 'paused')
local lines = {}
local scored = redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')
for i = 1, #scored, 2 do
  local line = ARGV[1] .. scored[i]
  lines[#lines + 1] = scored[i]
  lines[#lines + 1] = scored[i + 1]
  lines[#lines + 1] = redis.call('ZCARD', line)
  lines[#lines + 1] = redis.call('ZRANGE', line, 0, 0, 'WITHSCORES')[2]
end
return { time[1] * 1000 + math.floor(time[2] / 1000), tonumber(pace[1] or 0), tonumber(pace[2] or 0),
  tonumber(pace[3] or 0), redis.call('ZCARD', KEYS[4]),
  tonumber(redis.call('ZRANGE', KEYS[4], 0, 0, 'WITHSCORES')[2] or 0), redis.call('LLEN', KEYS[5]),
  redis.call('ZCARD', KEYS[6]), pace[4] and 1 or 0,
  redis.call('HGETALL', KEYS[3]), lines }
