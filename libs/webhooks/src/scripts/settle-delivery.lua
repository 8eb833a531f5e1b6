#!lua flags=allow-oom
-- Notes what came of a try. Its twin: settleDelivery in libs/core/src/webhooks/lanes.ts.
-- KEYS[1]  {sluice}:webhooks:delivery:<id>   hash
-- KEYS[2]  {sluice}:webhooks:waiting:<lane>  sorted set: delivery -> due
-- KEYS[3]  {sluice}:webhooks:flying:<lane>   sorted set: delivery -> end of its lease
-- KEYS[4]  {sluice}:webhooks:lanes           sorted set: lane -> next look
-- KEYS[5]  {sluice}:webhooks:unwritten       sorted set: delivery -> changed
-- KEYS[6]  {sluice}:webhooks:calm:<lane>     string: one at a time, none before
-- KEYS[7]  {sluice}:webhooks:failing         sorted set: endpoint -> first failure since its last success
-- KEYS[8]  {sluice}:webhooks:endpoint:<lane> hash; there is none for the lane of an origin
-- ARGV     id, lane, turn, 'delivered' | 'again' | 'failed' | 'back' (nothing came of it: the worker stops),
--          next try (ms; of 'again'), attempt (JSON; '' of 'back'), calm until (ms or ''), most that fly in a lane,
--          '1' when the receiver was asked
-- Returns  1; 0 when another turn, or somebody else, has said what becomes of it
-- Time     ms, Redis TIME
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local id, lane, turn, verdict, due = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
local endpoint = redis.call('HGET', KEYS[8], 'status')

local found = redis.call('HMGET', KEYS[1], 'status', 'turn', 'attempts')
-- What was delivered was delivered, whoever else tries it meanwhile or has given it up.
local isMine = found[1] == 'pending' and (found[2] == turn or verdict == 'delivered')
if not isMine and not (found[1] == 'failed' and verdict == 'delivered') then
  return 0
end
redis.call('ZREM', KEYS[3], id)
redis.call('ZREM', KEYS[2], id)

if verdict == 'delivered' then
  redis.call('DEL', KEYS[6])
  redis.call('ZREM', KEYS[7], lane)
elseif ARGV[9] == '1' then
  if ARGV[7] ~= '' then
    local calm = math.max(tonumber(ARGV[7]), tonumber(redis.call('GET', KEYS[6])) or 0)
    redis.call('SET', KEYS[6], string.format('%.0f', calm), 'PX', 604800000)
  end
  if endpoint == 'enabled' then
    redis.call('ZADD', KEYS[7], 'NX', now, lane)
  end
end

if verdict == 'again' and endpoint and endpoint ~= 'enabled' then
  verdict = 'failed'
end
if verdict == 'back' then
  redis.call('ZADD', KEYS[2], now, id)
else
  local attempts = found[3]
  if attempts and attempts ~= '' then
    attempts = attempts .. ',' .. ARGV[6]
  else
    attempts = ARGV[6]
  end
  local isOver = verdict ~= 'again'
  redis.call('HSET', KEYS[1], 'status', isOver and verdict or 'pending', 'next', isOver and '' or ARGV[5], 'attempts', attempts)
  redis.call('HINCRBY', KEYS[1], 'tries', 1)
  redis.call('HINCRBY', KEYS[1], 'rev', 1)
  redis.call('ZADD', KEYS[5], now, id)
  if not isOver then
    redis.call('ZADD', KEYS[2], due, id)
  end
end

if redis.call('ZCARD', KEYS[2]) > 0 or redis.call('ZCARD', KEYS[3]) > 0 then
  redis.call('ZADD', KEYS[4], 'LT', now, lane)
else
  redis.call('ZREM', KEYS[4], lane)
end
return 1
