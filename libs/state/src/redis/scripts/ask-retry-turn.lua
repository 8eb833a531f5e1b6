#!lua flags=allow-oom
-- Whether a retry may go, by the budget of its group; else its ticket, and when at the latest its turn comes.
--
-- KEYS[1]   {sluice:<group>}:retries   hash: granted (so far), issued (number of the last ticket), at (Unix ms)
-- ARGV[1]   share of calls that may be retries
-- ARGV[2]   retries a second in any case
-- ARGV[3]   retries at once when none were for a while
-- ARGV[4]   first calls of the group that nobody told before
-- ARGV[5]   ticket that it waits with; 0: it has none yet
-- ARGV[6]   now in ms, for tests; empty: Redis TIME
-- Returns   {1} it may go · {0, ticket, ms until its turn}
-- Time      Redis TIME, ms
--
-- Twin: libs/core/src/leases/retry-turn.ts

local FORGET_MS = 120000

local share, perSecond, atOnce = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local calls, held = tonumber(ARGV[4]), tonumber(ARGV[5])
local now = tonumber(ARGV[6])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end

local known = redis.call('HMGET', KEYS[1], 'granted', 'issued', 'at')
local granted, issued, at = tonumber(known[1]) or atOnce, tonumber(known[2]) or 0, tonumber(known[3]) or now
local earned = perSecond * math.max(0, now - at) / 1000 + share * calls
granted = math.min(granted + earned, issued + atOnce)
local ticket = held
if held == 0 or held > issued then
  issued = issued + 1
  ticket = issued
end
redis.call('HSET', KEYS[1], 'granted', string.format('%.17g', granted), 'issued', string.format('%.0f', issued), 'at',
  string.format('%.0f', now))
redis.call('PEXPIRE', KEYS[1], FORGET_MS)
if ticket <= granted then
  return { 1 }
end
return { 0, ticket, math.ceil((ticket - granted) / perSecond * 1000) }
