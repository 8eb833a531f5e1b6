#!lua flags=allow-oom
-- Writes the one terminal state of a job and tells who waits for it, in one step.
--
-- KEYS[1]  {sluice:<group>}:job:<id>       hash, the job record
-- KEYS[2]  {sluice:<group>}:stream:<id>    stream of its frames
-- KEYS[3]  {sluice:<group>}:backlog        sorted set
-- KEYS[4]  {sluice:<group>}:due            sorted set
-- KEYS[5]  {sluice:<group>}:fed            sorted set
-- ARGV[1]  epoch of the run; '' when it is not a run that ends it: nobody started it in its time, or its run is overdue.
--          Then it ends only if it still is past its time: it may have begun since a sweep saw it
-- ARGV[2]  state: completed | failed | cancelled | expired
-- ARGV[3]  outcome, JSON
-- ARGV[4]  result, as bytes
-- ARGV[5]  job id
-- ARGV[6]  ms that record and stream are kept when a follower got the frame
-- ARGV[7]  ms that they are kept otherwise
-- ARGV[8]  largest result that goes along in the frame, bytes; a larger one is read from the record
-- ARGV[9]  prefix of the group's keys, {sluice:<group>}:
-- ARGV[10] attempts made, of a durable job that a run ends; absent: as its progress says
-- Returns  {'finished', 1 when jobs wait in the backlog} | {'stale'} another run has begun, or it is over
-- Time     Redis TIME, ms
--
-- The terminal frame is written as `frameHead` in libs/wire does. Safe to repeat: the second time nothing is told.

local record = redis.call('HMGET', KEYS[1], 'epoch', 'state', 'replyTo', 'followers', 'seq', 'kept', 'durable')
local state = record[2]
local epoch = record[1] or '0'
if not state or (ARGV[1] ~= '' and epoch ~= ARGV[1]) then return { 'stale' } end
if state ~= 'queued' and state ~= 'running' then
  if ARGV[1] ~= '' and state == ARGV[2] and redis.call('HGET', KEYS[1], 'outcome') == ARGV[3] then
    return { 'finished', redis.call('EXISTS', KEYS[3]) }
  end
  return { 'stale' }
end
if ARGV[1] == '' then
  local time = redis.call('TIME')
  local due = redis.call('ZSCORE', KEYS[4], ARGV[5])
  if not due or tonumber(due) > time[1] * 1000 + math.floor(time[2] / 1000) then return { 'stale' } end
  local line = line_of(redis.call('HGET', KEYS[1], 'place'))
  leave_line(ARGV[9], line, ARGV[5])
  leave_delayed(ARGV[9], tenant_of(line), ARGV[5])
end

redis.call('HSET', KEYS[1], 'state', ARGV[2], 'outcome', ARGV[3], 'result', ARGV[4])
if record[7] then
  local run = redis.call('HMGET', KEYS[1], 'startedAt', 'progress')
  note_over(ARGV[9], ARGV[5], record[7], ARGV[2], ARGV[3], run[1], ARGV[10] or attempts_of(run[2]))
end
if not record[6] then redis.call('HDEL', KEYS[1], 'request', 'progress') end
redis.call('ZREM', KEYS[4], ARGV[5])
if ARGV[1] == '' then
  redis.call('HINCRBY', KEYS[1], 'epoch', 1) -- a run that still goes on is stale
  redis.call('ZREM', KEYS[5], ARGV[5])
end

local frame = ARGV[5] .. 't' .. epoch .. ',' .. (tonumber(record[5] or 0) + 1) .. ',0\n' .. ARGV[3] .. '\n'
if #ARGV[4] <= tonumber(ARGV[8]) then frame = frame .. ARGV[4] end
local heard = redis.call('PUBLISH', record[3], frame)
for inbox in string.gmatch(record[4] or '', '[^ ]+') do redis.call('PUBLISH', inbox, frame) end

if record[6] then
  if ARGV[1] ~= '' then redis.call('HDEL', KEYS[1], 'progress', 'asking') end -- the outcome has what it says
  keep(ARGV[9], ARGV[5], record[6], ARGV[2], ARGV[7])
  return { 'finished', redis.call('EXISTS', KEYS[3]) }
end
local kept_ms = heard > 0 and ARGV[6] or ARGV[7]
redis.call('PEXPIRE', KEYS[1], kept_ms)
if record[5] then redis.call('PEXPIRE', KEYS[2], kept_ms) end
return { 'finished', redis.call('EXISTS', KEYS[3]) }
