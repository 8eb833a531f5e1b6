-- Claims what an Idempotency-Key stands for, or tells who has. What the replies ask of the caller: libs/core/src/idempotency/claim.ts.
--
-- KEYS[1]  sluice:idem:<SHA-256 of its scope>    hash: body, id, group, at, makers, then done; busy
-- ARGV[1]  fingerprint of the body
-- ARGV[2]  id that it stands for when nobody has claimed it
-- ARGV[3]  group of the job; '': it is no job
-- ARGV[4]  ms that it is kept
-- ARGV[5]  id whose claim this one takes the place of; '': none
-- ARGV[6]  ms that its one maker has; 0: a job, which is made by whoever comes
-- Returns  {'mine', id, group} | {'theirs', id, group, age in ms, 1 when done} | {'reused'} | {'busy', ms}
-- Time     Redis TIME, ms
--
-- A reply that is lost leaves a maker that never settles: the claim stays until its time is over, which is safe.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local claim = redis.call('HMGET', KEYS[1], 'body', 'id', 'group', 'at', 'done', 'busy')
local body, id, group, at, done, busy = unpack(claim)

if id and id ~= ARGV[5] then
  if body ~= ARGV[1] then return { 'reused' } end
  if not done and ARGV[6] ~= '0' then
    if tonumber(busy) > now then return { 'busy', tonumber(busy) - now } end
    redis.call('HSET', KEYS[1], 'busy', string.format('%.0f', now + ARGV[6]))
    return { 'mine', id, group }
  end
  if not done then redis.call('HINCRBY', KEYS[1], 'makers', 1) end
  return { 'theirs', id, group, now - tonumber(at), done and 1 or 0 }
end

redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'body', ARGV[1], 'id', ARGV[2], 'group', ARGV[3], 'at', string.format('%.0f', now), 'makers', 1,
  'busy', ARGV[6] == '0' and '0' or string.format('%.0f', now + ARGV[6]))
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return { 'mine', ARGV[2], ARGV[3] }
