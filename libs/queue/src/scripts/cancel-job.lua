#!lua flags=allow-oom
-- Cancels a job: at once when it waits, by a flag and a word to its worker when it runs.
--
-- KEYS[1]  {sluice:<group>}:job:<id>       hash, the job record
-- KEYS[2]  {sluice:<group>}:stream:<id>    stream of its frames
-- KEYS[3]  {sluice:<group>}:due            sorted set
-- KEYS[4]  {sluice:<group>}:fed            sorted set
-- ARGV[1]  job id
-- ARGV[2]  outcome of a job cancelled before it ran, JSON
-- ARGV[3]  ms that the record is kept
-- ARGV[4]  channel prefix of workers, sluice:worker:
-- ARGV[5]  prefix of the group's keys, {sluice:<group>}:
-- ARGV[6]  ms that record and stream are kept at least when the record says for how long (`keep`)
-- ARGV[7]  1: only if it waits
-- Returns  'cancelled' | 'cancelling' | 'running' (and is to be left alone) | 'over' (terminal as it is) | 'gone'
-- Time     Redis TIME, ms

local record = redis.call('HMGET', KEYS[1], 'state', 'epoch', 'replyTo', 'followers', 'seq', 'worker', 'place', 'kept',
  'durable')
local state = record[1]
if not state then return 'gone' end
if state == 'running' then
  if ARGV[7] == '1' then return 'running' end
  redis.call('HSET', KEYS[1], 'cancel', 1)
  redis.call('PUBLISH', ARGV[4] .. record[6] .. ':cancel', ARGV[1])
  return 'cancelling'
end
if state ~= 'queued' then return 'over' end

local line = line_of(record[7])
leave_line(ARGV[5], line, ARGV[1])
leave_delayed(ARGV[5], tenant_of(line), ARGV[1])
redis.call('HSET', KEYS[1], 'state', 'cancelled', 'outcome', ARGV[2], 'result', '')
if record[9] then
  local run = redis.call('HMGET', KEYS[1], 'startedAt', 'progress')
  note_over(ARGV[5], ARGV[1], record[9], 'cancelled', ARGV[2], run[1], attempts_of(run[2]))
end
if not record[8] then redis.call('HDEL', KEYS[1], 'request', 'progress') end
redis.call('ZREM', KEYS[3], ARGV[1])
redis.call('ZREM', KEYS[4], ARGV[1])
local frame = ARGV[1] .. 't' .. (record[2] or 0) .. ',' .. (tonumber(record[5] or 0) + 1) .. ',0\n' .. ARGV[2] .. '\n'
redis.call('PUBLISH', record[3], frame)
for inbox in string.gmatch(record[4] or '', '[^ ]+') do redis.call('PUBLISH', inbox, frame) end
if record[8] then
  keep(ARGV[5], ARGV[1], record[8], 'cancelled', ARGV[6])
  return 'cancelled'
end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
if record[5] then redis.call('PEXPIRE', KEYS[2], ARGV[3]) end
return 'cancelled'
