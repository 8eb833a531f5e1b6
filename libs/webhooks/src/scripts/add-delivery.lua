-- Takes a delivery in, once; or puts one that is over back to its beginning.
-- KEYS[1]  {sluice}:webhooks:delivery:<id>   hash
-- KEYS[2]  {sluice}:webhooks:waiting:<lane>  sorted set: delivery -> due
-- KEYS[3]  {sluice}:webhooks:lanes           sorted set: lane -> next look
-- KEYS[4]  {sluice}:webhooks:unwritten       sorted set: delivery -> changed
-- ARGV     id, lane, plan (JSON), 'new' or 'again', attempts so far (JSON objects with commas between; of 'again'),
--          revision so far (of 'again')
-- Returns  1; 0 when it is known already ('new'), or waits or flies ('again': it is due now)
-- Time     ms, Redis TIME
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local id, lane, plan, mode = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

local status = redis.call('HGET', KEYS[1], 'status')
if mode == 'new' and status then
  return 0
end
if mode == 'again' and status == 'pending' then
  if redis.call('ZSCORE', KEYS[2], id) then
    redis.call('ZADD', KEYS[2], now, id)
    redis.call('ZADD', KEYS[3], 'LT', now, lane)
    redis.call('HSET', KEYS[1], 'next', now)
    redis.call('HINCRBY', KEYS[1], 'rev', 1)
    redis.call('ZADD', KEYS[4], now, id)
  end
  return 0
end

local rev = math.max(tonumber(ARGV[6]) or 0, tonumber(redis.call('HGET', KEYS[1], 'rev')) or 0) + 1
local attempts = redis.call('HGET', KEYS[1], 'attempts') or ARGV[5] or ''
redis.call('HSET', KEYS[1], 'plan', plan, 'lane', lane, 'tries', 0, 'status', 'pending', 'next', now, 'rev', rev,
  'attempts', attempts)
redis.call('HINCRBY', KEYS[1], 'turn', 1)
redis.call('PERSIST', KEYS[1])
redis.call('ZADD', KEYS[2], now, id)
redis.call('ZADD', KEYS[3], 'LT', now, lane)
redis.call('ZADD', KEYS[4], now, id)
return 1
