-- Ends a deployment's cooldown and closes its breaker. Leases and use stay: they are facts.
--
-- KEYS[1]   {sluice:<group>}:dep:<id>         hash, see take-lease.lua
-- KEYS[2]   {sluice:<group>}:dep:<id>:fails   list: times of the last failures, see settle-lease.lua
-- Returns   1 when there was something to forget, else 0
-- Publishes as settle-lease.lua does
-- Time      none

local known = redis.call('DEL', KEYS[1], KEYS[2], KEYS[2] .. ':timeout', KEYS[2] .. ':server')
redis.call('PUBLISH', 'sluice:breakers', 'closed ' .. KEYS[1])
return math.min(known, 1)
