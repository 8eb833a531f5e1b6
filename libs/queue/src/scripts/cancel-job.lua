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
-- Returns  'cancelled' | 'cancelling' | 'over' (terminal as it is) | 'gone'
-- Time     none

local record = redis.call('HMGET', KEYS[1], 'state', 'epoch', 'replyTo', 'followers', 'seq', 'worker', 'place')
local state = record[1]
if not state then return 'gone' end
if state == 'running' then
  redis.call('HSET', KEYS[1], 'cancel', 1)
  redis.call('PUBLISH', ARGV[4] .. record[6] .. ':cancel', ARGV[1])
  return 'cancelling'
end
if state ~= 'queued' then return 'over' end

leave_line(ARGV[5], line_of(record[7]), ARGV[1])
redis.call('HSET', KEYS[1], 'state', 'cancelled', 'outcome', ARGV[2], 'result', '')
redis.call('HDEL', KEYS[1], 'request', 'progress')
redis.call('ZREM', KEYS[3], ARGV[1])
redis.call('ZREM', KEYS[4], ARGV[1])
local frame = ARGV[1] .. 't' .. (record[2] or 0) .. ',' .. (tonumber(record[5] or 0) + 1) .. ',0\n' .. ARGV[2] .. '\n'
redis.call('PUBLISH', record[3], frame)
for inbox in string.gmatch(record[4] or '', '[^ ]+') do redis.call('PUBLISH', inbox, frame) end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
if record[5] then redis.call('PEXPIRE', KEYS[2], ARGV[3]) end
return 'cancelled'
