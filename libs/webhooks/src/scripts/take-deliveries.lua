#!lua flags=allow-oom
-- Takes deliveries that are due, of each lane no more than may fly. Its twin: takeDue in libs/core/src/webhooks/lanes.ts.
-- KEYS[1]  {sluice}:webhooks:lanes  sorted set: lane -> next look
-- ARGV     prefix of all keys, most deliveries, most lanes, most that fly in a lane, lease (ms)
-- Returns  ms until the next look, '' when there is none; then for each delivery
--          id, lane, turn, tries, plan, endpoint's status ('' when there is none), endpoint's data ('')
-- Time     ms, Redis TIME
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local prefix, most, mostLanes = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local mostFlying, lease = tonumber(ARGV[4]), tonumber(ARGV[5])
local reply = { '' }

for _, lane in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, mostLanes)) do
  if most <= 0 then
    break
  end
  local waiting, flying = prefix .. 'waiting:' .. lane, prefix .. 'flying:' .. lane
  for _, lost in ipairs(redis.call('ZRANGEBYSCORE', flying, '-inf', now)) do
    redis.call('ZREM', flying, lost)
    redis.call('ZADD', waiting, now, lost)
  end
  local calm = tonumber(redis.call('GET', prefix .. 'calm:' .. lane))
  local slots = calm and 1 or mostFlying
  local free = math.min(slots - redis.call('ZCARD', flying), most)
  if free > 0 and (calm or 0) <= now then
    local endpoint
    for _, id in ipairs(redis.call('ZRANGEBYSCORE', waiting, '-inf', now, 'LIMIT', 0, free)) do
      redis.call('ZREM', waiting, id)
      local record = prefix .. 'delivery:' .. id
      local found = redis.call('HMGET', record, 'plan', 'tries')
      if found[1] then
        endpoint = endpoint or redis.call('HMGET', prefix .. 'endpoint:' .. lane, 'status', 'data')
        redis.call('ZADD', flying, now + lease, id)
        local turn = redis.call('HINCRBY', record, 'turn', 1)
        for _, field in ipairs({ id, lane, turn, found[2], found[1], endpoint[1] or '', endpoint[2] or '' }) do
          reply[#reply + 1] = field
        end
        most = most - 1
      end
    end
  end
  local nextLook
  local head = redis.call('ZRANGE', waiting, 0, 0, 'WITHSCORES')
  if head[2] and redis.call('ZCARD', flying) < slots then
    nextLook = math.max(tonumber(head[2]), calm or 0, now)
  end
  local first = redis.call('ZRANGE', flying, 0, 0, 'WITHSCORES')
  if first[2] then
    nextLook = math.min(nextLook or math.huge, tonumber(first[2]))
  end
  if nextLook then
    redis.call('ZADD', KEYS[1], nextLook, lane)
  else
    redis.call('ZREM', KEYS[1], lane)
  end
end

local soonest = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
if soonest[2] then
  reply[1] = tostring(math.max(0, tonumber(soonest[2]) - now))
end
return reply
