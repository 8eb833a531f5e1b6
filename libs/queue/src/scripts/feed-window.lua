-- Takes from the backlog what BullMQ's window lacks. The caller adds the jobs to BullMQ; an interrupted feed is swept.
--
-- KEYS[1]  {sluice:<group>}:backlog             sorted set: job id -> order
-- KEYS[2]  {sluice:<group>}:fed                 sorted set: job id -> when it was handed to BullMQ, until it begins
-- KEYS[3]  {sluice:<group>}:inference:wait      BullMQ's own list
-- KEYS[4]  {sluice:<group>}:inference:active    BullMQ's own list
-- KEYS[5]  {sluice:<group>}:window              string
-- KEYS[6]  {sluice:<group>}:gate                hash: until, burst
-- ARGV[1]  most jobs at a time
-- ARGV[2]  record prefix, {sluice:<group>}:job: (records are in the same slot)
-- ARGV[3]  ms that an `add` takes as a rule: what was fed since may be on its way, and counts for the window
-- Returns  {ms until the gate opens, 0 when open; jobs left waiting; id, n, inbox, id, n, inbox, …}
-- Time     Redis TIME, ms
--
-- After a job found nothing free, few are fed at first, and twice as many each 50 ms: a hundred jobs that all find the same
-- closed door would cost a hundred starts, and a provider whose Retry-After is over would be asked a hundred times before
-- its first new 429 is back.

local waiting = redis.call('ZCARD', KEYS[1])
if waiting == 0 then
  redis.call('DEL', KEYS[6])
  return { 0, 0 }
end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local gate = redis.call('HMGET', KEYS[6], 'until', 'burst')
local until_ms = tonumber(gate[1] or 0)
if until_ms > now then return { until_ms - now, waiting } end

local window = tonumber(redis.call('GET', KEYS[5]) or 0)
local on_their_way = redis.call('ZCOUNT', KEYS[2], string.format('(%.0f', now - ARGV[3]), '+inf')
local held = math.max(redis.call('LLEN', KEYS[3]), on_their_way) + redis.call('LLEN', KEYS[4])
local room = math.min(window - held, tonumber(ARGV[1]))
local burst = tonumber(gate[2] or 0)
if burst > 0 then room = math.min(room, burst - redis.call('ZCARD', KEYS[2])) end
if room <= 0 then return { 0, waiting } end

local out = { 0, 0 }
local ids = redis.call('ZRANGE', KEYS[1], 0, room - 1)
for _, id in ipairs(ids) do
  redis.call('ZREM', KEYS[1], id)
  local key = ARGV[2] .. id
  local record = redis.call('HMGET', key, 'state', 'replyTo')
  if record[1] == 'queued' then
    redis.call('ZADD', KEYS[2], now, id)
    out[#out + 1] = id
    out[#out + 1] = redis.call('HINCRBY', key, 'fed', 1)
    out[#out + 1] = record[2]
  end
end
if burst > 0 and #out > 2 then
  redis.call('HSET', KEYS[6], 'until', string.format('%.0f', now + 50), 'burst', math.min(burst * 2, 100000))
  out[1] = 50
end
out[2] = redis.call('ZCARD', KEYS[1])
return out
