-- Results of lines of batches that are over, many in one trip.
--
-- KEYS[…]  {sluice:<group>}:job:<id>    hashes, job records of one group
-- ARGV[1]  most bytes in all; the first is returned whatever its size
-- Returns  result, asked, result, asked, … of as many as fit, in the order of the keys; empty: not there
-- Time     none

local out = {}
local room = tonumber(ARGV[1])
for i, key in ipairs(KEYS) do
  room = room - redis.call('HSTRLEN', key, 'result') - redis.call('HSTRLEN', key, 'asked')
  if room < 0 and i > 1 then break end
  local record = redis.call('HMGET', key, 'result', 'asked')
  out[#out + 1] = record[1] or ''
  out[#out + 1] = record[2] or ''
end
return out
