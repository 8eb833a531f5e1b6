-- Gives each model group a number, once and for good.
--
-- KEYS[1]  sluice:groups    hash: group -> number; '' -> how many there are
-- ARGV     names of groups
-- Returns  their numbers, 1..65535
-- Time     none

local numbers = {}
for i, group in ipairs(ARGV) do
  local number = redis.call('HGET', KEYS[1], group)
  if not number then
    number = redis.call('HINCRBY', KEYS[1], '', 1) % 65536
    redis.call('HSET', KEYS[1], group, number)
  end
  numbers[i] = tonumber(number)
end
return numbers
