-- Ends a deployment's cooldown and closes its breaker. Leases and use stay: they are facts.
--
-- KEYS[1]   {sluice:<group>}:dep:<id>         hash, see take-lease.lua
-- KEYS[2]   {sluice:<group>}:dep:<id>:fails   list: times of the last failures
-- Returns   1 when there was something to forget, else 0
-- Time      none

return math.min(redis.call('DEL', KEYS[1], KEYS[2]), 1)
