#!lua flags=allow-oom
-- Lets many leases of one group's deployments run on. A lease that Redis lost comes back.
--
-- KEYS[i]   {sluice:<group>}:dep:<id>:slots   sorted set: lease id -> expiry
-- ARGV[1]   lease time in ms
-- ARGV[2]   now in ms, for tests; empty: Redis TIME
-- ARGV[3…]  for each key: how many leases, then their ids (at most 1,000 in all)
-- Returns   expiry
-- Time      Unix ms by Redis TIME

local KEEP_EXPIRED_MS = 600000

local leaseMs, now = tonumber(ARGV[1]), tonumber(ARGV[2])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local expiry = string.format('%.0f', now + leaseMs)

local a = 3
for i = 1, #KEYS do
  local members = {}
  for k = a + 1, a + tonumber(ARGV[a]) do
    members[#members + 1] = expiry
    members[#members + 1] = ARGV[k]
  end
  a = a + 1 + tonumber(ARGV[a])
  redis.call('ZADD', KEYS[i], unpack(members))
  redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', string.format('%.0f', now - KEEP_EXPIRED_MS))
  redis.call('PEXPIRE', KEYS[i], leaseMs + KEEP_EXPIRED_MS)
end
return now + leaseMs
