-- Takes a job in: writes its record and says which way it goes, to BullMQ at once or into the group's backlog.
--
-- KEYS[1]  {sluice:<group>}:job:<id>            hash, the job record
-- KEYS[2]  {sluice:<group>}:pace                hash: beat, window, until, jobs, bytes, clock, paused
-- KEYS[3]  {sluice:<group>}:due                 sorted set: job id -> when it expires unstarted
-- KEYS[4]  {sluice:<group>}:fed                 sorted set: job id -> when it was handed to BullMQ, until it begins
-- KEYS[5]  {sluice:<group>}:inference:wait      BullMQ's own list
-- KEYS[6]  {sluice:<group>}:inference:active    BullMQ's own list
-- ARGV[1]  job id
-- ARGV[2]  request, as bytes
-- ARGV[3]  job, JSON
-- ARGV[4]  inbox that waits
-- ARGV[5]  ms until it expires unstarted
-- ARGV[6]  1: the caller adds the job to BullMQ in the same pipeline
-- ARGV[7]  ms of silence after which a worker is dead
-- ARGV[8]  ms that the caller waits for a start, 0: refuse when there is no room (x-sluice-when-full: reject)
-- ARGV[9]  1: no fallback group could serve it, so a start that comes too late is refused at once
-- ARGV[10] deadline of the job, Unix ms
-- ARGV[11] its line in the backlog
-- ARGV[12] prefix of the group's keys, {sluice:<group>}: (its lines are in the same slot)
-- ARGV[13…16] what may wait: jobs and bytes of requests in all, the same of one tenant
-- Absent of a plain call:
-- ARGV[17] what makes it durable, JSON; '': nothing
-- ARGV[18] what its caller asked, where `request` is a translation of it; '': `request` is
-- ARGV[19] it does not start before, Unix ms; 0: at once
-- ARGV[20] what is kept after its end for how long (`keep`)
-- Returns  {'accepted', 1 when the next job should go to the backlog, 1 when the feeder should look}
--          {'no_worker'} | {'no_capacity', ms} | {'queue_full', ms, 'group' | 'tenant'}
-- Time     Redis TIME, ms
--
-- Safe to repeat: an existing record is left as it is, and is accepted whatever became of the workers since.
--
-- A durable job waits for whatever it needs, a worker too; only a queue that is full refuses it. It never overtakes: when
-- others wait it goes to the backlog, and what its caller added to BullMQ is a stray that no worker begins. So does every
-- job of a group that is paused.

if redis.call('EXISTS', KEYS[1]) == 1 then return { 'accepted', 0, 1 } end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local pace = redis.call('HMGET', KEYS[2], 'beat', 'window', 'until', 'jobs', 'bytes', 'paused')
local durable = ARGV[17] and ARGV[17] ~= ''
if not durable and (not pace[1] or now - pace[1] > tonumber(ARGV[7])) then return { 'no_worker' } end

local until_ms = tonumber(pace[3] or 0)
local blocked = pace[6] or pace[4] or until_ms > now
  or tonumber(pace[2] or 0) - redis.call('LLEN', KEYS[5]) - redis.call('LLEN', KEYS[6]) <= 0
local delayed = durable and tonumber(ARGV[19]) > now
local direct = ARGV[6] == '1' and not (pace[6] or durable and (blocked or delayed))

if (blocked or delayed) and not direct then
  local startable = tonumber(ARGV[8])
  local back_ms = math.max(1000, until_ms - now)
  if not durable and (startable == 0 or (ARGV[9] == '1' and until_ms > now + startable)) then
    return { 'no_capacity', back_ms }
  end
  local later = durable and redis.call('HMGET', ARGV[12] .. 'later', 'bytes', 'jobs:' .. tenant_of(ARGV[11]),
    'bytes:' .. tenant_of(ARGV[11])) or {}
  local later_jobs = durable and redis.call('ZCARD', ARGV[12] .. 'delayed') or 0
  if tonumber(pace[4] or 0) + later_jobs >= tonumber(ARGV[13])
    or tonumber(pace[5] or 0) + tonumber(later[1] or 0) + #ARGV[2] > tonumber(ARGV[14]) then
    return { 'queue_full', back_ms, 'group' }
  end
  local tenant = tenant_of(ARGV[11])
  local theirs = redis.call('HMGET', ARGV[12] .. 'tenants', 'jobs:' .. tenant, 'bytes:' .. tenant)
  if tonumber(theirs[1] or 0) + tonumber(later[2] or 0) >= tonumber(ARGV[15])
    or tonumber(theirs[2] or 0) + tonumber(later[3] or 0) + #ARGV[2] > tonumber(ARGV[16]) then
    return { 'queue_full', back_ms, 'tenant' }
  end
end

-- Who is delayed arrives when that is over.
local order = string.format('%.0f', delayed and ARGV[19] * 1000 + time[2] % 1000 or time[1] * 1000000 + time[2])
redis.call('HSET', KEYS[1], 'state', 'queued', 'fed', direct and 1 or 2, 'place', order .. ' ' .. ARGV[11],
  'request', ARGV[2], 'job', ARGV[3], 'replyTo', ARGV[4], 'deadline', ARGV[10])
if ARGV[20] then redis.call('HSET', KEYS[1], 'kept', ARGV[20]) end
if (ARGV[18] or '') ~= '' then redis.call('HSET', KEYS[1], 'asked', ARGV[18]) end
if durable then
  redis.call('HSET', KEYS[1], 'durable', ARGV[17])
  tell_ledger(ARGV[12], 't', 'accepted', 'j', ARGV[1], 'd', ARGV[17])
end
redis.call('ZADD', KEYS[3], now + tonumber(ARGV[5]), ARGV[1])
if direct then
  redis.call('ZADD', KEYS[4], now, ARGV[1])
elseif delayed then
  delay(ARGV[12], tenant_of(ARGV[11]), ARGV[1], ARGV[19], #ARGV[2])
else
  join_line(ARGV[12], ARGV[11], ARGV[1], order, #ARGV[2], false)
end
return { 'accepted', blocked and 1 or 0, (not direct and not blocked and not delayed) and 1 or 0 }
