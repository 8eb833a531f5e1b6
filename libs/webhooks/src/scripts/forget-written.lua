#!lua flags=allow-oom
-- What the store knows now: deliveries that are over are kept a little longer, by their ids alone, so that one that comes in
-- twice is delivered once.
-- KEYS[1]  {sluice}:webhooks:unwritten  sorted set: delivery -> changed
-- ARGV     prefix of all keys, how long (ms), then for each: id, its revision as written
-- Returns  how many have changed again meanwhile
-- Time     ms
local again = 0
for i = 3, #ARGV, 2 do
  local record = ARGV[1] .. 'delivery:' .. ARGV[i]
  local found = redis.call('HMGET', record, 'rev', 'status', 'plan')
  if found[3] and found[1] ~= ARGV[i + 1] then
    again = again + 1
  else
    redis.call('ZREM', KEYS[1], ARGV[i])
    if found[2] and found[2] ~= 'pending' then
      redis.call('HDEL', record, 'plan', 'attempts')
      redis.call('PEXPIRE', record, ARGV[2])
    end
  end
end
return again
