#!lua flags=allow-oom
-- Whether a call may be sent to a second deployment as well, by the budget of its group.
--
-- KEYS[1]   {sluice:<group>}:hedges   hash: minute (of the clock), calls, hedges, lastCalls, lastHedges (of the one before)
-- ARGV[1]   share of calls that may be hedged
-- ARGV[2]   hedges a minute in any case
-- ARGV[3]   calls of the group that nobody told before
-- ARGV[4]   now in ms, for tests; empty: Redis TIME
-- Returns   1 it may · 0 not
-- Time      Redis TIME, ms
--
-- Twin: libs/core/src/hedge/hedge-budget.ts

local now = tonumber(ARGV[4])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local minute = math.floor(now / 60000)
local known = redis.call('HMGET', KEYS[1], 'minute', 'calls', 'hedges', 'lastCalls', 'lastHedges')
local at = tonumber(known[1])
local calls, hedges, lastCalls, lastHedges = 0, 0, 0, 0
if at == minute then
  calls, hedges, lastCalls, lastHedges = tonumber(known[2]), tonumber(known[3]), tonumber(known[4]), tonumber(known[5])
elseif at == minute - 1 then
  lastCalls, lastHedges = tonumber(known[2]), tonumber(known[3])
end
calls = calls + tonumber(ARGV[3])

local weight = 1 - (now % 60000) / 60000
local used = hedges + lastHedges * weight
local mayGo = 0
if used + 1 <= tonumber(ARGV[2]) + tonumber(ARGV[1]) * (calls + lastCalls * weight) then
  hedges = hedges + 1
  mayGo = 1
end
redis.call('HSET', KEYS[1], 'minute', string.format('%.0f', minute), 'calls', calls, 'hedges', hedges,
  'lastCalls', lastCalls, 'lastHedges', lastHedges)
redis.call('PEXPIRE', KEYS[1], 120000)
return mayGo
