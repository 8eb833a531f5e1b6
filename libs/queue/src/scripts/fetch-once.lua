#!lua flags=allow-oom
-- The answer of a job that is gone when it was fetched.
--
-- KEYS[1]  {sluice:<group>}:job:<id>       hash, the job record
-- KEYS[2]  {sluice:<group>}:stream:<id>    stream of its frames, which hold the answer too
-- Returns  {result, asked}, nil what is not there
-- Time     none

local kept = redis.call('HMGET', KEYS[1], 'result', 'asked')
redis.call('HDEL', KEYS[1], 'result')
redis.call('DEL', KEYS[2])
return kept
