-- Lets jobs into their lines whose delay is over, and takes from the backlog what BullMQ's window lacks. The caller adds
-- the jobs to BullMQ; an interrupted feed is swept.
--
-- KEYS[1]  {sluice:<group>}:backlog             sorted set: line that waits -> virtual start of its first job
-- KEYS[2]  {sluice:<group>}:fed                 sorted set: job id -> when it was handed to BullMQ, until it begins
-- KEYS[3]  {sluice:<group>}:inference:wait      BullMQ's own list
-- KEYS[4]  {sluice:<group>}:inference:active    BullMQ's own list
-- KEYS[5]  {sluice:<group>}:pace                hash: window, until, burst, jobs, clock, later, paused
-- ARGV[1]  most jobs at a time
-- ARGV[2]  prefix of the group's keys, {sluice:<group>}: (lines and records are in the same slot)
-- ARGV[3]  ms that an `add` takes as a rule: what was fed since may be on its way, and counts for the window
-- ARGV[4]  most delayed jobs that come into their lines at a time
-- Returns  {ms until the gate opens, 0 when open; jobs left waiting; id, n, inbox, id, n, inbox, …}
-- Time     Redis TIME, ms
--
-- After a job found nothing free, few are fed at first, and twice as many each 50 ms: a hundred jobs that all find the same
-- closed door would cost a hundred starts, and a provider whose Retry-After is over would be asked a hundred times before
-- its first new 429 is back.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local pace = redis.call('HMGET', KEYS[5], 'jobs', 'until', 'burst', 'window', 'clock', 'later', 'paused')
if pace[6] and tonumber(pace[6]) <= now then
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', ARGV[2] .. 'delayed', '-inf', now, 'LIMIT', 0, ARGV[4])) do
    let_in(ARGV[2], id)
  end
  local first = redis.call('ZRANGE', ARGV[2] .. 'delayed', 0, 0, 'WITHSCORES')
  if first[2] then
    redis.call('HSET', KEYS[5], 'later', first[2])
  else
    redis.call('HDEL', KEYS[5], 'later')
  end
  pace = redis.call('HMGET', KEYS[5], 'jobs', 'until', 'burst', 'window', 'clock', 'later', 'paused')
end
if not pace[1] then
  if pace[2] then redis.call('HDEL', KEYS[5], 'until', 'burst') end
  return { 0, 0 }
end
local waiting = tonumber(pace[1])
if pace[7] then return { 0, waiting } end

local until_ms = tonumber(pace[2] or 0)
if until_ms > now then return { until_ms - now, waiting } end

local on_their_way = redis.call('ZCOUNT', KEYS[2], string.format('(%.0f', now - ARGV[3]), '+inf')
local held = math.max(redis.call('LLEN', KEYS[3]), on_their_way) + redis.call('LLEN', KEYS[4])
local room = math.min(tonumber(pace[4] or 0) - held, tonumber(ARGV[1]))
local burst = tonumber(pace[3] or 0)
if burst > 0 then room = math.min(room, burst - redis.call('ZCARD', KEYS[2])) end
if room <= 0 then return { 0, waiting } end

local out = { 0, 0 }
local handed = {}
local clock = tonumber(pace[5] or 0)
while room > 0 do
  local next = redis.call('ZRANGE', KEYS[1], 0, 1, 'WITHSCORES')
  local line = next[1]
  if not line then break end
  local start, step = tonumber(next[2]), step_of(line)
  local before = next[4] and tonumber(next[4]) or math.huge -- from here on it is the next line's turn, or may be

  local many, ahead = 0, start
  repeat
    many = many + 1
    ahead = ahead + step
  until many == room or ahead >= before
  local popped = redis.call('ZPOPMIN', ARGV[2] .. 'line:' .. line, many)
  local bytes = 0
  for i = 1, #popped, 2 do
    local id = popped[i]
    local key = ARGV[2] .. 'job:' .. id
    local record = redis.call('HMGET', key, 'state', 'fed', 'replyTo')
    bytes = bytes + redis.call('HSTRLEN', key, 'request')
    if record[1] == 'queued' then
      clock = math.max(clock, start)
      start = start + step
      handed[#handed + 1] = string.format('%.0f', now)
      handed[#handed + 1] = id
      out[#out + 1] = id
      out[#out + 1] = tonumber(record[2])
      out[#out + 1] = record[3]
    end
  end
  room = room - #popped / 2

  if redis.call('EXISTS', ARGV[2] .. 'line:' .. line) == 0 then
    shut_line(ARGV[2], line, start, clock)
  else
    redis.call('ZADD', KEYS[1], string.format('%.17g', start), line)
  end
  count_out(ARGV[2], line, #popped / 2, bytes)
end

if redis.call('EXISTS', KEYS[1]) == 1 then
  redis.call('HSET', KEYS[5], 'clock', string.format('%.17g', clock))
  redis.call('ZREMRANGEBYSCORE', ARGV[2] .. 'idle', '-inf', string.format('%.17g', clock))
end
if #handed > 0 then
  redis.call('ZADD', KEYS[2], unpack(handed))
  count_starts(ARGV[2], #handed / 2, now)
  if burst > 0 then
    redis.call('HSET', KEYS[5], 'until', string.format('%.0f', now + 50), 'burst', math.min(burst * 2, 100000))
    out[1] = 50
  end
end
out[2] = tonumber(redis.call('HGET', KEYS[5], 'jobs') or 0)
return out
