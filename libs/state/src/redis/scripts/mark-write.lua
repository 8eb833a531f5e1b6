#!lua flags=allow-oom
-- Writes something, also where memory is full: `WAITAOF` behind it waits until this, and all that was before it, is on disk.
--
-- KEYS[1]  {sluice:<group>}:synced    string, empty
-- ARGV[1]  ms until it is gone
-- Returns  1
-- Time     none

redis.call('SET', KEYS[1], '', 'PX', ARGV[1])
return 1
