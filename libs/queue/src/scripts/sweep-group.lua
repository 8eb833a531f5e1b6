#!lua flags=allow-oom
-- Finds what fell between two steps: jobs past their time that nobody started, runs long past their deadline that no
-- worker ended, and jobs handed to BullMQ that it lacks.
--
-- KEYS[1]  {sluice:<group>}:due              sorted set
-- KEYS[2]  {sluice:<group>}:fed              sorted set
-- ARGV[1]  most of each
-- ARGV[2]  ms that an `add` may take before it is looked for
-- ARGV[3]  record prefix, {sluice:<group>}:job:
-- ARGV[4]  BullMQ's prefix of job keys, {sluice:<group>}:inference:
-- Returns  {number of those past their time; id, how, …; id, n, inbox, … of those to add again}
-- Time     Redis TIME, ms
--
-- how: queued | running | no_room, a durable job that waits and was begun before: nobody was free for it.
-- BullMQ keeps a job whose run threw as failed, and would drop another of its number without a word: it gets the next one.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local out = { 0 }
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[1])) do
  local record = redis.call('HMGET', ARGV[3] .. id, 'state', 'durable', 'progress')
  if record[1] == 'queued' or record[1] == 'running' then
    out[1] = out[1] + 1
    out[#out + 1] = id
    out[#out + 1] = record[1] == 'queued' and record[2] and record[3] and 'no_room' or record[1]
  else
    redis.call('ZREM', KEYS[1], id)
  end
end

for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now - ARGV[2], 'LIMIT', 0, ARGV[1])) do
  local key = ARGV[3] .. id
  local record = redis.call('HMGET', key, 'state', 'fed', 'replyTo')
  if record[1] ~= 'queued' then
    redis.call('ZREM', KEYS[2], id)
  else
    redis.call('ZADD', KEYS[2], now, id)
    local bull = redis.call('HMGET', ARGV[4] .. id .. '-' .. record[2], 'timestamp', 'finishedOn')
    local due = tonumber(redis.call('ZSCORE', KEYS[1], id) or now + 1)
    if (not bull[1] or bull[2]) and due > now then
      out[#out + 1] = id
      out[#out + 1] = bull[2] and redis.call('HINCRBY', key, 'fed', 1) or tonumber(record[2])
      out[#out + 1] = record[3]
    end
  end
end
return out
