#!lua flags=allow-oom
-- Keeps the frames of a flush in the job's stream and tells who follows it, in this order: nothing is seen that cannot be
-- replayed, and nothing of a stale run.
--
-- KEYS[1]  {sluice:<group>}:job:<id>       hash, the job record
-- KEYS[2]  {sluice:<group>}:stream:<id>    stream: entry id = first seq of the frame, field f = the frame
-- ARGV[1]  epoch of the run
-- ARGV[2]  first seq of the frame
-- ARGV[3]  last seq of the frame
-- ARGV[4]  frame, as bytes
-- ARGV[5]  ms that the stream is kept when the job never ends
-- ARGV[6]  of a durable job whose frame tells of a new attempt: its number and whom it asks, '<n> <deployment>'; else absent
-- Returns  'go' | 'stale' | 'cancelled'
-- Time     none
--
-- Safe to repeat: a connection that breaks takes the reply with it, and the client sends the frame again.

local record = redis.call('HMGET', KEYS[1], 'epoch', 'state', 'cancel', 'replyTo', 'followers', 'seq')
if record[1] ~= ARGV[1] or record[2] ~= 'running' then return 'stale' end
if record[3] then return 'cancelled' end
if tonumber(record[6] or 0) >= tonumber(ARGV[3]) then return 'go' end

redis.call('XADD', KEYS[2], ARGV[2] .. '-0', 'f', ARGV[4])
if ARGV[2] == '1' then redis.call('PEXPIRE', KEYS[2], ARGV[5]) end
redis.call('HSET', KEYS[1], 'seq', ARGV[3])
if ARGV[6] then redis.call('HSET', KEYS[1], 'asking', ARGV[6]) end
redis.call('PUBLISH', record[4], ARGV[4])
if record[5] then
  for inbox in string.gmatch(record[5], '[^ ]+') do redis.call('PUBLISH', inbox, ARGV[4]) end
end
return 'go'
