#!lua flags=allow-oom
-- One who makes what an Idempotency-Key stands for says what became of it.
--
-- KEYS[1]  sluice:idem:<SHA-256 of its scope>    hash, as in claim-key.lua
-- ARGV[1]  id that was made, or refused
-- ARGV[2]  done: it is there; refused: it is not; unknown: the one maker gives up, another makes it under the same id
-- Returns  1
-- Time     none
--
-- Not safe to repeat when it was refused: it is told once, and a word that is lost leaves the claim as it is.

local claim = redis.call('HMGET', KEYS[1], 'id', 'done')
if claim[1] ~= ARGV[1] or claim[2] then return 1 end
if ARGV[2] == 'done' then
  redis.call('HSET', KEYS[1], 'done', 1)
elseif ARGV[2] == 'unknown' then
  redis.call('HSET', KEYS[1], 'busy', 0)
elseif redis.call('HINCRBY', KEYS[1], 'makers', -1) <= 0 then
  redis.call('DEL', KEYS[1])
end
return 1
