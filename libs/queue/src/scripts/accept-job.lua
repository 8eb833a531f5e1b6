-- Takes a job in: writes its record and says which way it goes, to BullMQ at once or into the group's backlog.
--
-- KEYS[1]  {sluice:<group>}:job:<id>            hash, the job record
-- KEYS[2]  {sluice:<group>}:backlog             sorted set: job id -> order
-- KEYS[3]  {sluice:<group>}:due                 sorted set: job id -> when it expires unstarted
-- KEYS[4]  {sluice:<group>}:fed                 sorted set: job id -> when it was handed to BullMQ, until it begins
-- KEYS[5]  {sluice:<group>}:workers             sorted set: worker id -> last beat
-- KEYS[6]  {sluice:<group>}:inference:wait      BullMQ's own list
-- KEYS[7]  {sluice:<group>}:inference:active    BullMQ's own list
-- KEYS[8]  {sluice:<group>}:window              string: runnable jobs that BullMQ may hold
-- KEYS[9]  {sluice:<group>}:gate                hash: until, burst (absent: capacity was there)
-- ARGV[1]  job id
-- ARGV[2]  request, as bytes
-- ARGV[3]  job, JSON
-- ARGV[4]  inbox that waits
-- ARGV[5]  ms until it expires unstarted
-- ARGV[6]  1: the caller adds the job to BullMQ in the same pipeline
-- ARGV[7]  ms of silence after which a worker is dead
-- ARGV[8]  ms that the caller waits for a start, 0: refuse when there is no room (x-sluice-when-full: reject)
-- ARGV[9]  1: no fallback group could serve it, so a start that comes too late is refused at once
-- ARGV[10] most jobs in the backlog
-- ARGV[11] deadline of the job, Unix ms
-- Returns  {'accepted', 1 when the next job should go to the backlog, 1 when the feeder should look}
--          {'no_worker'} | {'no_capacity', ms} | {'queue_full', ms}
-- Time     Redis TIME, ms
--
-- Safe to repeat: an existing record is left as it is, and is accepted whatever became of the workers since.

if redis.call('EXISTS', KEYS[1]) == 1 then return { 'accepted', 0, 1 } end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local beat = redis.call('ZREVRANGE', KEYS[5], 0, 0, 'WITHSCORES')[2]
if not beat or now - beat > tonumber(ARGV[7]) then return { 'no_worker' } end

local waiting = redis.call('ZCARD', KEYS[2])
local until_ms = tonumber(redis.call('HGET', KEYS[9], 'until') or 0)
local room = tonumber(redis.call('GET', KEYS[8]) or 0) - redis.call('LLEN', KEYS[6]) - redis.call('LLEN', KEYS[7])
local blocked = waiting > 0 or until_ms > now or room <= 0

if blocked and ARGV[6] == '0' then
  local startable = tonumber(ARGV[8])
  if startable == 0 or (ARGV[9] == '1' and until_ms > now + startable) then
    return { 'no_capacity', math.max(1000, until_ms - now) }
  end
  if waiting >= tonumber(ARGV[10]) then return { 'queue_full', math.max(1000, until_ms - now) } end
end

local order = time[1] * 1000000 + time[2]
redis.call('HSET', KEYS[1], 'state', 'queued', 'epoch', 0, 'fed', ARGV[6], 'order', string.format('%.0f', order),
  'request', ARGV[2], 'job', ARGV[3], 'replyTo', ARGV[4], 'deadline', ARGV[11])
redis.call('ZADD', KEYS[3], now + tonumber(ARGV[5]), ARGV[1])
if ARGV[6] == '1' then
  redis.call('ZADD', KEYS[4], now, ARGV[1])
else
  redis.call('ZADD', KEYS[2], string.format('%.0f', order), ARGV[1])
end
return { 'accepted', blocked and 1 or 0, (ARGV[6] == '0' and not blocked) and 1 or 0 }
