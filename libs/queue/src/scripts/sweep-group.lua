-- Finds what fell between two steps: jobs past their time that nobody started, runs long past their deadline that no
-- worker ended, and jobs handed to BullMQ that it lacks.
--
-- KEYS[1]  {sluice:<group>}:due              sorted set
-- KEYS[2]  {sluice:<group>}:fed              sorted set
-- ARGV[1]  most of each
-- ARGV[2]  ms that an `add` may take before it is looked for
-- ARGV[3]  record prefix, {sluice:<group>}:job:
-- ARGV[4]  BullMQ's prefix of job keys, {sluice:<group>}:inference:
-- Returns  {number of those past their time; id, state, …; id, n, inbox, … of those to add again}
-- Time     Redis TIME, ms

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local expired = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[1])
local out = { #expired }
for _, id in ipairs(expired) do
  out[#out + 1] = id
  out[#out + 1] = redis.call('HGET', ARGV[3] .. id, 'state') or 'gone'
end

for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now - ARGV[2], 'LIMIT', 0, ARGV[1])) do
  local record = redis.call('HMGET', ARGV[3] .. id, 'state', 'fed', 'replyTo')
  if record[1] ~= 'queued' then
    redis.call('ZREM', KEYS[2], id)
  else
    redis.call('ZADD', KEYS[2], now, id)
    if redis.call('EXISTS', ARGV[4] .. id .. '-' .. record[2]) == 0 then
      out[#out + 1] = id
      out[#out + 1] = tonumber(record[2])
      out[#out + 1] = record[3]
    end
  end
end
for _, id in ipairs(expired) do
  if redis.call('EXISTS', ARGV[3] .. id) == 0 then redis.call('ZREM', KEYS[1], id) end
end
return out
