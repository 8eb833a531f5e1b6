-- Where a queued job stands: in its line, or among those that BullMQ has already.
--
-- KEYS[1]  {sluice:<group>}:job:<id>     hash, the job record
-- KEYS[2]  {sluice:<group>}:fed          sorted set: job id -> when it was handed to BullMQ, until it begins
-- ARGV[1]  job id
-- ARGV[2]  prefix of the group's lines, {sluice:<group>}:line: (they are in the same slot)
-- ARGV[3]  {sluice:<group>}:delayed, sorted set
-- Returns  {} it is not queued, or delayed · {jobs that were fed before and have not begun, '', 0}
--          {jobs that were fed and have not begun, its line, jobs before it in the line}
-- Time     none

local record = redis.call('HMGET', KEYS[1], 'state', 'place')
if record[1] ~= 'queued' then return {} end
local line = string.match(record[2], ' (.*)$')
if redis.call('ZSCORE', ARGV[3], ARGV[1]) then return {} end
local before = redis.call('ZRANK', ARGV[2] .. line, ARGV[1])
if before then return { redis.call('ZCARD', KEYS[2]), line, before } end
return { redis.call('ZRANK', KEYS[2], ARGV[1]) or 0, '', 0 }
